//! The effective configuration: flags over environment over file over profile over built-in defaults.
//!
//! These structs are what the rest of the program sees: every value parsed and checked. How they are found, and where
//! each came from, is the business of `load`.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Limit;
use crate::model::Secret;

/// The whole configuration of an instance.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which preset it started from.
    pub profile: String,
    /// The SQLite file.
    pub db: PathBuf,
    /// `[server]`
    pub server: Server,
    /// `[service]`
    pub service: Service,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[sessions]`
    pub sessions: Sessions,
    /// `[password]`
    pub password: PasswordRules,
    /// `[signup]`
    pub signup: SignUp,
    /// `[throttle]`
    pub throttle: Throttle,
    /// `[lockout]`
    pub lockout: Lockout,
    /// `[limits]`
    pub limits: Limits,
    /// `[links]`
    pub links: Links,
    /// `[mail]`
    pub mail: Mail,
    /// `[hashing]`
    pub hashing: Hashing,
    /// `[audit]`
    pub audit: Audit,
    /// `[log]`
    pub log: Log,
}

/// Development shows more, production checks more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On somebody's own machine.
    Development,
    /// In front of strangers.
    Production,
}

/// `[server]`: where it listens and whom it believes.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How people reach it, without a slash at the end; links in mail begin with it. `None`: `http://` and `listen`.
    pub public_url: Option<String>,
    /// Development or production.
    pub environment: Environment,
    /// Proxies whose `X-Forwarded-For` is believed; `None` is unset, an empty list says that clients connect directly.
    pub trusted_proxies: Option<Vec<Network>>,
    /// Callers of service calls, by the peer itself; `None` is the default rule of `service_networks`.
    pub service_networks: Option<Vec<Network>>,
    /// Pages of other origins that may call with credentials.
    pub cors_origins: Vec<String>,
    /// The most connections at a time.
    pub connections: usize,
    /// The largest JSON body in bytes.
    pub body_limit: usize,
}

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    pub address: IpAddr,
    /// How many leading bits count.
    pub bits: u8,
}

/// `[service]`: what people know it as.
#[derive(Debug, Clone)]
pub struct Service {
    /// The name in mails and pages, which no password may be made of.
    pub name: String,
}

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// ECDSA, P-256, SHA-256.
    Es256,
    /// HMAC, SHA-256, a shared secret.
    Hs256,
}

/// `[tokens]`: access tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// How they are signed.
    pub algorithm: Algorithm,
    /// How long they live.
    pub access: Duration,
    /// `iss`; `None` is the public URL.
    pub issuer: Option<String>,
    /// `aud`, checked when set.
    pub audience: Option<String>,
    /// The shared secret of HS256; `None` lets the program make one.
    pub secret: Option<Secret>,
}

/// When a refresh token turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotate {
    /// At every use.
    Always,
    /// When it came in the cookie; by body it stays.
    Cookie,
    /// Never.
    Never,
}

/// `[sessions]`: how long people stay logged in.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// How long a session lives without a refresh.
    pub idle: Duration,
    /// How long it lives at most.
    pub absolute: Option<Duration>,
    /// How long it lives without "remember me".
    pub short: Duration,
    /// When its refresh token turns.
    pub rotate: Rotate,
    /// How long the direct parent of a refresh token gets the same successor.
    pub grace: Duration,
    /// How many an account may have.
    pub max: u32,
}

/// `[password]`: what a new password must be.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own that a person switches on")]
pub struct PasswordRules {
    /// The fewest characters.
    pub min_length: usize,
    /// The most characters.
    pub max_length: usize,
    /// An upper-case letter is asked for.
    pub upper: bool,
    /// A lower-case letter is asked for.
    pub lower: bool,
    /// A digit is asked for.
    pub digit: bool,
    /// Something else than letters and digits is asked for.
    pub symbol: bool,
    /// Common passwords are refused.
    pub blocklist: bool,
    /// Passwords made of one's own name, address or the service's name are refused.
    pub personal: bool,
}

/// A field of a sign-up that a profile may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignUpField {
    /// The user name.
    Username,
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
}

/// `[signup]`: how accounts begin.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// An address must be proved before the first session.
    pub verify_email: bool,
    /// A taken address is answered as taken; else like success, and its owner gets a mail.
    pub reveal_existing: bool,
    /// What is asked for besides address and password.
    pub require: BTreeSet<SignUpField>,
    /// After how long an account that nobody proved is removed.
    pub remove_unproved: Duration,
}

/// `[throttle]`: wrong passwords per client address and account name, and per account from wherever.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// On at all.
    pub enabled: bool,
    /// Failures per client address and name before waits begin.
    pub failures: u32,
    /// The window they are counted in.
    pub window: Duration,
    /// The first wait; each further one doubles.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// Failures at one account from wherever that close its password to strangers.
    pub account_failures: u32,
    /// The window they are counted in.
    pub account_window: Duration,
    /// How long a client address that has logged in is no stranger.
    pub known_for: Duration,
}

/// `[lockout]`: failures that lock an account's name for everybody.
#[derive(Debug, Clone)]
pub struct Lockout {
    /// On at all.
    pub enabled: bool,
    /// How many failures lock.
    pub failures: u32,
    /// For how long.
    pub duration: Duration,
}

/// A number of calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub window: Duration,
    /// How it is counted.
    pub shape: Shape,
}

/// How a rate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A fixed window from its first call.
    Window,
    /// Evenly, with the whole number as the burst.
    Smooth,
}

/// `[limits]`: calls per client address. A rate of `None` is off.
#[derive(Debug, Clone)]
pub struct Limits {
    /// All calls together.
    pub general: Option<Rate>,
    /// How many times the general limit a valid token has.
    pub token_factor: u32,
    /// Logins.
    pub sign_in: Option<Rate>,
    /// Sign-ups.
    pub sign_up: Option<Rate>,
    /// Failed refreshes.
    pub refresh: Option<Rate>,
    /// Verification mails asked for again.
    pub resend: Option<Rate>,
    /// Uses of verification links.
    pub verify_email: Option<Rate>,
    /// Mails to one address that anybody can cause.
    pub mail_address: Option<Rate>,
    /// Mails from one client address that anybody can cause.
    pub mail_client: Option<Rate>,
}

impl Limits {
    /// The rate behind a limit's name.
    #[must_use]
    pub fn rate(&self, limit: Limit) -> Option<Rate> {
        match limit {
            Limit::General => self.general,
            Limit::SignUp => self.sign_up,
            Limit::SignIn => self.sign_in,
            Limit::Refresh => self.refresh,
            Limit::Resend => self.resend,
            Limit::VerifyEmail => self.verify_email,
        }
    }
}

/// `[links]`: links in mail.
#[derive(Debug, Clone)]
pub struct Links {
    /// How long a verification link lives.
    pub verify_life: Duration,
    /// The app's own page for it, with `{token}` in it; `None` is ours.
    pub verify: Option<String>,
}

/// `[mail]`: how mail leaves.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The way out; `None` keeps everything in the outbox.
    pub smtp: Option<Smtp>,
    /// The sender, `Name <address>` or a bare address.
    pub from: String,
    /// A folder whose templates are taken before the embedded ones.
    pub templates: Option<PathBuf>,
}

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte (`smtps://`).
    Tls,
    /// STARTTLS, required (`smtp://` to anywhere but loopback).
    StartTls,
    /// In the clear (`smtp://` to loopback, or `smtp+insecure://`).
    None,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// Who we are to it.
    pub login: Option<(String, Secret)>,
}

/// `[hashing]`: what a password costs.
#[derive(Debug, Clone)]
pub struct Hashing {
    /// KiB per hash.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// How many hashes at a time; `None` is the number of processors.
    pub threads: Option<usize>,
    /// How many may wait.
    pub queue: usize,
}

/// `[audit]`: the security log.
#[derive(Debug, Clone)]
pub struct Audit {
    /// How long records are kept.
    pub keep: Duration,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}
