//! The effective configuration. Flags override the environment, which overrides the file, which
//! overrides the profile, which overrides the built-in defaults.
//!
//! The rest of the program sees only these structs, whose values are parsed and checked. See `load`
//! for how values are found and where each came from. Each section has its own file.

mod about;
mod check;
mod env_file;
mod environment;
mod layer;
mod load;
mod pgpass;
mod problem;
mod profile;
mod reader;
pub mod report;
mod sections;
#[cfg(test)]
mod tests;
mod traces;
mod values;
#[cfg(test)]
mod wire_profile_tests;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::model::Database;

pub use crate::config::sections::admin::{AdminConfig, AdminNetworks};
pub use crate::config::sections::alerts::AlertsConfig;
pub use crate::config::sections::apps::AppsConfig;
pub use crate::config::sections::audit::AuditConfig;
pub use crate::config::sections::backup::BackupConfig;
pub use crate::config::sections::factors::Factors;
pub use crate::config::sections::files::FilesConfig;
pub use crate::config::sections::hashing::Hashing;
pub use crate::config::sections::language::LanguageConfig;
pub use crate::config::sections::limits::Limits;
pub use crate::config::sections::links::Links;
pub use crate::config::sections::location::LocationConfig;
pub use crate::config::sections::lockout::Lockout;
pub use crate::config::sections::log::{LogConfig, LogFormat};
pub use crate::config::sections::login::{LoginConfig, LoginOtp};
pub use crate::config::sections::mail::{MailConfig, Protection, Smtp};
pub use crate::config::sections::metrics::MetricsConfig;
pub use crate::config::sections::outbound::{AllowedHost, Outbound};
pub use crate::config::sections::pages::PagesConfig;
pub use crate::config::sections::password::PasswordRules;
pub use crate::config::sections::providers::{
    CheckedProvider, PERSONAL_TENANT, ProvidersConfig, TENANT, UnfitSetting, check_provider,
    given_key, is_encrypted, is_provider_name, preset_label, preset_names,
    resolve as resolve_provider,
};
pub use crate::config::sections::server::{Environment, HttpsPolicy, Server, WireName};
pub use crate::config::sections::service::ServiceConfig;
pub use crate::config::sections::sessions::{RotationPolicy, SessionsConfig};
pub use crate::config::sections::signup::{SignUp, SignUpField};
pub use crate::config::sections::sms::{Gateway, Sms};
pub use crate::config::sections::throttle::Throttle;
pub use crate::config::sections::tls::TlsConfig;
pub use crate::config::sections::tokens::{Algorithm, TokensConfig};
pub use crate::config::sections::webauthn::Webauthn;
pub use crate::config::values::network::Network;
pub use crate::config::values::rate::Rate;
pub use crate::config::values::rate::Shape;
pub use crate::config::values::span::parse as parse_duration;
pub use crate::model::finding::{CheckReport, Finding, Severity};
pub use about::KeyDescriptions;
pub use check::{check, provider_findings};
pub use environment::IgnoredVariable;
pub use layer::Origin;
pub use load::{Inputs, Loaded, UnmetNeed, database, is_secret, load, place};
pub use problem::{Problem, Problems, nearest};
pub use profile::{ProfileName, STANDARD};
pub use reader::ConfigEntry;
pub use traces::TracesConfig;

use reader::{ConfigReader, ReadResult};
use sections::server::url_of;
use sections::webauthn;

/// The whole configuration of an instance.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the preset that the configuration starts from.
    pub profile: String,
    /// `db`: where the data is.
    pub database: Database,
    /// `[server]`
    pub server: Server,
    /// `[tls]`
    pub tls: TlsConfig,
    /// `[service]`
    pub service: ServiceConfig,
    /// `[tokens]`
    pub tokens: TokensConfig,
    /// `[sessions]`
    pub sessions: SessionsConfig,
    /// `[password]`
    pub password: PasswordRules,
    /// `[signup]`
    pub signup: SignUp,
    /// `[login]`
    pub login: LoginConfig,
    /// `[factors]`
    pub factors: Factors,
    /// `[throttle]`
    pub throttle: Throttle,
    /// `[lockout]`
    pub lockout: Lockout,
    /// `[limits]`
    pub limits: Limits,
    /// `[pages]`
    pub pages: PagesConfig,
    /// `[files]`
    pub files: FilesConfig,
    /// `[language]`
    pub language: LanguageConfig,
    /// `[links]`
    pub links: Links,
    /// `[mail]`
    pub mail: MailConfig,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[sms]`
    pub sms: Sms,
    /// `[hashing]`
    pub hashing: Hashing,
    /// `[audit]`
    pub audit: AuditConfig,
    /// `[alerts]`
    pub alerts: AlertsConfig,
    /// `[backup]`
    pub backup: BackupConfig,
    /// `[admin]`
    pub admin: AdminConfig,
    /// `[apps]`
    pub apps: AppsConfig,
    /// `[location]`
    pub location: LocationConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[metrics]`
    pub metrics: MetricsConfig,
    /// `[webauthn]`
    pub webauthn: Webauthn,
    /// `[providers.NAME]`
    pub providers: ProvidersConfig,
    /// Where traces go: variables of the environment, and no section.
    pub traces: Option<TracesConfig>,
    /// Every key with its value and origin, in the order of the sections, with secrets masked.
    pub entries: Arc<[ConfigEntry]>,
    /// Variables that are set but have no effect.
    pub ignored: Arc<[IgnoredVariable]>,
}

/// Reads every section before the first error returns, so that all errors are reported at once.
macro_rules! read_all {
    ($($section:ident = $read:expr,)*) => {{
        $(let $section = $read;)*
        Ok(Self { $($section: $section?,)* })
    }};
}

impl Config {
    /// The URL under which users reach the server, without a trailing slash: as configured, or else
    /// derived from the listen address.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.url_at(self.server.listen)
    }

    /// The same for a server that listens at this address.
    #[must_use]
    pub fn url_at(&self, listen: SocketAddr) -> String {
        self.server.public_url.clone().unwrap_or_else(|| url_of(listen))
    }

    /// The domain that passkeys are bound to, unless the database already has one.
    #[must_use]
    pub fn passkey_domain(&self) -> String {
        self.webauthn.rp_id.clone().unwrap_or_else(|| webauthn::domain_of(&self.public_url()))
    }

    /// The origins of the pages that may use passkeys.
    #[must_use]
    pub fn passkey_origins(&self) -> Vec<String> {
        let mut origins = webauthn::own_origins(&self.public_url());
        for listed in &self.webauthn.origins {
            if !origins.contains(listed) {
                origins.push(listed.clone());
            }
        }
        origins
    }

    /// The `iss` claim of tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.tokens.issuer.clone().unwrap_or_else(|| self.public_url())
    }

    /// True if cookies must be `Secure`: users reach the server over TLS, or it runs in production.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.server.is_https() || self.is_production()
    }

    /// True if `server.environment` is `production`.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.server.is_production()
    }

    /// True if the sign-in and account pages are served. They cannot send the headers of an API
    /// client.
    #[must_use]
    pub fn serves_pages(&self) -> bool {
        self.pages.enabled && !self.apps.required
    }

    /// The networks that may make service calls. The default is this machine, or none if the server
    /// is public or in production: a proxy on the same machine would make every client look local.
    #[must_use]
    pub fn service_networks(&self) -> Vec<Network> {
        match &self.server.service_networks {
            Some(networks) => networks.clone(),
            None if self.server.is_public() || self.is_production() => Vec::new(),
            None => Network::LOOPBACK.to_vec(),
        }
    }

    fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        read_all! {
            profile = r.text("profile", 64),
            database = r.database("db"),
            server = Server::read(r),
            tls = TlsConfig::read(r),
            service = ServiceConfig::read(r),
            tokens = TokensConfig::read(r),
            sessions = SessionsConfig::read(r),
            password = PasswordRules::read(r),
            signup = SignUp::read(r),
            login = LoginConfig::read(r),
            factors = Factors::read(r),
            throttle = Throttle::read(r),
            lockout = Lockout::read(r),
            limits = Limits::read(r),
            pages = PagesConfig::read(r),
            files = FilesConfig::read(r),
            language = LanguageConfig::read(r),
            links = Links::read(r),
            mail = MailConfig::read(r),
            outbound = Outbound::read(r),
            sms = Sms::read(r, outbound.as_ref().map_or(&[], |outbound| &outbound.allow)),
            hashing = Hashing::read(r),
            audit = AuditConfig::read(r),
            alerts = AlertsConfig::read(r),
            backup = BackupConfig::read(r),
            admin = AdminConfig::read(r),
            apps = AppsConfig::read(r),
            location = LocationConfig::read(r),
            log = LogConfig::read(r),
            metrics = MetricsConfig::read(r),
            webauthn = Webauthn::read(r),
            providers = ProvidersConfig::read(r),
            traces = ReadResult::<Option<TracesConfig>>::Ok(None),
            entries = ReadResult::<Arc<[ConfigEntry]>>::Ok(Arc::default()),
            ignored = ReadResult::<Arc<[IgnoredVariable]>>::Ok(Arc::default()),
        }
    }

    /// What cannot do without an address refuses accounts that have none.
    fn validate_addresses(&self, r: &mut ConfigReader) {
        if self.signup.require_email {
            return;
        }
        let why = if self.server.wire != WireName::V1 {
            "expected true because the responses of this API contain an address (server.wire), got false"
        } else if self.login.otp == LoginOtp::Email {
            "expected true because a code is mailed at each login (login.otp), got false"
        } else {
            return;
        };
        r.refuse("signup.require_email", why);
    }

    fn validate_for_postgres(&self, r: &mut ConfigReader) {
        if self.backup.every.is_some() {
            r.refuse(
                "backup.every",
                "expected nothing with a PostgreSQL database: schedule pg_dump, or use the backups of its server",
            );
        }
        if self.server.public_url.is_none() && self.tokens.issuer.is_none() {
            r.note(
                "server.public_url is not set, so the issuer of tokens has the port of this server: servers that share \
                 the database at other ports would refuse its tokens",
            );
        }
    }

    fn validate(&self, r: &mut ConfigReader) {
        let environment = self.server.environment;
        self.server.validate(r);
        self.tls.validate(&self.server, r);
        self.tokens.validate(environment, r);
        self.sessions.validate(r);
        self.password.validate(r);
        self.signup.validate(&self.links, r);
        if self.signup.logs_in && self.login.otp == LoginOtp::Email {
            r.refuse(
                "login.otp",
                "expected \"off\" because sign-up logs in (signup.logs_in), got \"email\"",
            );
        }
        self.validate_addresses(r);
        self.throttle.validate(r);
        self.backup.validate(r);
        if matches!(self.database, Database::Postgres(_)) {
            self.validate_for_postgres(r);
        }
        self.outbound.validate(r);
        self.hashing.validate(environment, r);
        self.webauthn.validate(&self.server, r);
    }
}
