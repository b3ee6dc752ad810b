//! authd: the authentication server you run as one file.
//!
//! One binary serves sign-up, email verification, login and sessions over HTTP, keeps everything in
//! one SQLite file, and sends mail from an outbox in that file. There is one core, one policy for
//! all of it (the configuration), and thin wires: HTTP APIs that translate requests into calls of
//! the core and its results into responses.
//!
//! # The modules
//!
//! Each module owns one thing and may use the modules in its row and no others.
//! `tests/it/house.rs` checks this table, and that no files of different modules use each other in a
//! circle.
//!
//! | module | owns | may use |
//! |---|---|---|
//! | [`error`] | the one [`error::Error`]: a kind (the reason), details, invalid fields; their words are made in `http` | `model` |
//! | [`model`] | plain data, parsed once at the edge: addresses, names, secrets, accounts, times | `error` |
//! | [`env`](mod@env) | the outside world as values: clock and randomness | `error`, `model` |
//! | [`seal`] | the master key: what is sealed at rest, and keys derived from it | `env`, `error`, `model` |
//! | [`config`] | every setting: its origin, its allowed values; profiles are `static/profiles/*.toml` | `error`, `model` |
//! | [`metrics`] | what the program counts about itself | `error`, `model` |
//! | [`webauthn`] | the ceremonies of Web Authentication: CBOR, keys, signatures; no accounts | `model` |
//! | [`store`] | the database: engine interface, SQLite and PostgreSQL, SQL by table, readers and the group-commit writer | `env`, `error`, `metrics`, `model` |
//! | [`words`] | the words of pages, letters and text messages, by language; generated from `static/words` | `error`, `model` |
//! | [`password`] | hashing in its own threads, the queue before them, rules for new passwords | `config`, `env`, `error`, `model` |
//! | [`token`] | signing keys, access tokens, refresh tokens | `config`, `env`, `error`, `model`, `seal`, `store` |
//! | [`outbox`] | the queue of messages and jobs, its worker, the sealing of bodies | `env`, `error`, `metrics`, `model`, `seal`, `store` |
//! | [`mail`] | a channel of the outbox: letters, templates, SMTP | `config`, `env`, `error`, `model`, `outbox`, `words` |
//! | [`outbound`] | HTTP requests to other servers: time, size, TLS, permitted addresses | `config`, `env`, `error`, `model` |
//! | [`oidc`] | the client of OpenID Connect and OAuth 2 providers: discovery, keys, codes, ID tokens; no accounts | `config`, `env`, `model`, `outbound` |
//! | [`sms`] | a channel of the outbox: text messages through an HTTP gateway | `config`, `env`, `error`, `model`, `outbound`, `outbox` |
//! | [`tls`] | the server's own certificate: its files or its authority, its replacement, the handshake | `config`, `env`, `error`, `metrics`, `model`, `outbound`, `seal`, `store` |
//! | [`backup`] | copies of the database in one file: made, encrypted, checked, put back; the move to another engine | `env`, `error`, `model`, `seal`, `store`, `token` |
//! | [`identity`] | the core, in families of operations; no HTTP, no SQL, no JSON envelope | `backup`, `config`, `env`, `error`, `mail`, `metrics`, `model`, `oidc`, `outbox`, `password`, `seal`, `sms`, `store`, `token`, `webauthn`, `words` |
//! | [`doctor`] | the checks of a running deployment: how requests arrive, certificate, mail, DNS, clock, disk, keys, backups | `config`, `env`, `error`, `identity`, `mail`, `model`, `outbound`, `seal`, `tls` |
//! | [`http`] | what all wires and pages share: server, extractors, limits, documents | `config`, `env`, `error`, `identity`, `metrics`, `model`, `password`, `tls` |
//! | [`web`] | pages for people in a browser, rendered from `static/pages` | `config`, `doctor`, `error`, `http`, `identity`, `model`, `webauthn`, `words` |
//! | [`api`] | the wires: routes, field names, statuses and codes; no business rules | `config`, `doctor`, `env`, `error`, `http`, `identity`, `model`, `password`, `webauthn` |
//! | [`app`] | assembling the parts; `main` and the tests both use it | everything |
//! | [`testing`] | the test mode for apps: mailbox, clock, users by one call | `app`, `config`, `env`, `error`, `http`, `identity`, `mail`, `model`, `outbox`, `sms`, `store` |
//! | [`cli`] | the command line | everything |
//!
//! Only `store` knows SQLite and PostgreSQL; only `http`, `web`, `api`, `app` and `testing` know poem; only `mail` speaks
//! SMTP; only `outbound` sends HTTP requests to other servers.
//!
//! # How a request is handled
//!
//! 1. [`http::transport::listener`] reads it from the socket, within limits of time and size, and
//!    passes it to the current endpoint (SIGHUP replaces it). [`http::transport::connections`] shares
//!    the connections among client networks.
//! 2. [`http::server::boundary`] assigns a request ID and a [`model::Source`] (the client IP, behind
//!    trusted proxies), counts the general limit, and renders every failure in the envelope of the
//!    path's wire: an error of the core, one of the framework, or a panic. The cause is logged
//!    there, once. [`http::server::router`] then finds the operation.
//! 3. The wire's handler takes what it needs through extractors. [`http::extract::body::Body`]
//!    checks the JSON against the schema of the OpenAPI document and the policy, and reports all
//!    bad fields at once. [`http::extract::bearer::Bearer`] converts the access token into a
//!    [`identity::Caller`], which is the authorisation.
//! 4. The handler counts the limit that its signature declares
//!    ([`http::extract::limited::Limited`], which also writes it into the OpenAPI document), passes
//!    the proof ([`identity::access::counted::Counted`]) to one operation of [`identity`], and
//!    converts the result. A handler that needs an `if` about accounts contains a rule that belongs
//!    in the core.
//!
//! # How an operation works
//!
//! It reads what it needs ([`store::Store::read`]), does slow work outside the database (hashing, in
//! [`password::pool`]), and then makes one change ([`store::Store::write`]): a short closure that
//! checks again what the slow step relied on, in the statement that changes it, and writes the
//! audit record and the mail together with the change. A refusal that must keep what it counted is a
//! [`store::Decision`]; an error rolls everything back. The writer thread runs all waiting writes in
//! one transaction and answers after its commit, so every acknowledged change is on disk. What every
//! request reads is cached until the database changes ([`store::Store::recall`]); writes that can
//! wait are batched ([`store::Store::write_patiently`]).
//!
//! A password attempt is counted ([`identity::login::guard`]) before the password is checked, and is a
//! failure only once it was wrong. Every way to log in ends at [`identity::login::gate`], the only
//! place that issues a session. Every way to prove an address ends at
//! [`identity::account::proved_address`], which voids what the person who proves it did not bring along. An
//! operation that must not reveal whether an account exists only stores a request; the outbox
//! worker looks up the account and makes link and letter ([`identity::system::mail_jobs`]).
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | account | a person's record: addresses, credentials, roles, state |
//! | actor | who changes another account: an administrator, or the command line |
//! | API client | an application registered with a key (`X-App-ID`): a browser client or a service |
//! | attempt | a counted check of a password or code |
//! | caller | the account and session that an access token names, read from the database |
//! | challenge | a login that waits for its second factor |
//! | client IP | the address that a request is counted by; IPv6 by /64 |
//! | credential version | a number on the account, raised when password, address, factors or state change |
//! | epoch | a number in the database, raised when keys, roles or stored policy change |
//! | factor | a second proof at login: authenticator app, emailed code, text message, security key, backup code |
//! | fresh | with a proof of identity in the last 15 minutes |
//! | gate | the place where a login becomes a session, if no factor is due |
//! | in flight | counted but not decided: a password attempt while its password is checked |
//! | job | work for the outbox worker that must not delay the request |
//! | letter | a mail of a fixed type, with its values |
//! | limit | a number of calls per time, counted per client IP or account; see [`error::limit`] |
//! | link | a single-use token in a mail, stored as a digest |
//! | lockout | the refusal of a name after too many failures (a setting) |
//! | outbox | the queue of messages in the database |
//! | passkey | a key on a device that logs in alone; its authenticator checks who the person is |
//! | profile | a preset of the whole configuration |
//! | sealed | encrypted at rest under a key derived from the master key |
//! | security key | a key on a device that is a second factor: a login with the password asks for it |
//! | session | a login on one device: a row that refresh tokens rotate |
//! | throttle | the wait after failures, per client IP and account name |
//! | trust | whether a client IP has requested a code or passed the first factor |
//! | wire | an HTTP API with its own paths, envelope and codes |
//!
//! # Where to start reading
//!
//! `api/v1/auth.rs` shows what is served, `identity/login/sign_in.rs` how an operation is written,
//! `schema.sql` what is stored, `static/profiles/standard.toml` what can be set, and
//! `tests/it/accounts.rs` what is promised.

pub mod api;
pub mod app;
pub mod backup;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod env;
pub mod error;
pub mod http;
pub mod identity;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod oidc;
pub mod outbound;
pub mod outbox;
pub mod password;
pub mod seal;
pub mod sms;
pub mod store;
pub mod testing;
pub mod tls;
pub mod token;
pub mod web;
pub mod webauthn;
pub mod words;
