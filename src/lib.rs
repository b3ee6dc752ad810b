//! authd: the authentication server you run as one file.
//!
//! One binary serves sign-up, e-mail verification, login and sessions over HTTP, keeps everything in one SQLite file and
//! sends mail from an outbox in it. There is one core of identities, one policy for all of it (the configuration), and
//! thin wires that translate requests into calls of the core and its answers into their own shapes.
//!
//! # The rooms
//!
//! Each room owns one thing, and the arrows between them run one way; `tests/it/house.rs` fails on a wrong one.
//!
//! | room | owns | knows |
//! |---|---|---|
//! | [`error`] | the one [`error::Error`]: a kind (why, never how it looks), a message safe to show, field errors | nothing |
//! | [`model`] | plain data, parsed once at the edge: addresses, names, secrets, accounts, events, times | `error` |
//! | [`env`](mod@env) | the outside world as values: clock and randomness | `model` |
//! | [`seal`] | the master key: what is sealed at rest, and the keys that are derived from it | `env` |
//! | [`config`] | where each value comes from, and what it may be; profiles are `static/profiles/*.toml` | `model` |
//! | [`store`] | the database: the executor seam, SQL by table, SQLite's readers and group-commit writer | `model` |
//! | [`password`] | hashing in threads of its own, the queue before them, the rules for new passwords | `config` |
//! | [`token`] | signing keys, access tokens, refresh tokens | `store`, `seal` |
//! | [`mail`] | letters, the outbox and its worker, SMTP | `store`, `seal` |
//! | [`sms`] | text messages: the HTTP gateway that they leave through, by the same outbox | `mail`, `store` |
//! | [`metrics`] | what the program counts about itself | `model` |
//! | [`identity`] | the core: one file per family of operations. No HTTP, no SQL, no JSON envelope | all above |
//! | [`http`] | what every wire shares: listener, boundary, limits, bodies, cookies, pages, documents | `identity` |
//! | [`api`] | the wires: routes, field names, statuses and code words; no rule of their own | `http`, `identity` |
//! | [`app`] | the only place where the parts are wired together; `main` and the tests both use it | everything |
//! | [`cli`] | the command line | everything |
//!
//! Only `store` knows SQLite, only `http` and `api` know poem, only `mail` speaks SMTP, only `sms` asks a server of others by HTTP.
//!
//! # A request's way
//!
//! 1. [`http::server::listener`] reads it from the socket, within limits of time and size, and hands it to the endpoint of the hour
//!    (a SIGHUP puts another in its place).
//! 2. [`http::server::boundary`] gives it an id and a [`model::Source`] (the client's address behind trusted proxies), counts it
//!    under the general limit, and is where everything ends that goes wrong further in: an error of ours, the framework's or
//!    a panic leaves in the envelope of the path's wire, and the reason is logged there, once.
//!    [`http::server::router`] then finds the operation of the path.
//! 3. The wire's handler (`api/v1`) takes what it needs by extractors: [`http::extract::body::Body`] holds the JSON against the
//!    schema of the OpenAPI document and the policy's rules and reports every bad field at once;
//!    [`http::extract::bearer::Bearer`] turns the access token into an [`identity::Caller`], which is the authorisation.
//! 4. The handler counts its own limit, calls one operation of [`identity`] and converts the answer. A handler that needs an
//!    `if` about accounts is in the wrong room.
//!
//! # An operation's way
//!
//! It reads what it needs ([`store::Store::read`]), does slow work outside (hashing, in [`password::pool`]), and then makes
//! one change ([`store::Store::write`]): a short closure that checks again what the slow step rested on, in the statement
//! that changes it, and writes the audit record and the mail together with the change. The writer thread runs what is
//! waiting in one transaction and answers only after its commit, so whatever was acknowledged is on disk. What every request
//! reads is remembered until anybody changes anything ([`store::Store::recall`]); what is in no hurry may wait for company
//! ([`store::Store::write_patiently`]). A try at a password is counted ([`identity::login::guard`]) before the password is looked at. Every road to a session ends at
//! [`identity::login::gate`]. Whatever must not tell whether an account exists only stores a request; the outbox worker looks the
//! account up and makes link and letter ([`identity::system::mail_jobs`]).
//!
//! # Where to begin reading
//!
//! `api/v1/auth.rs` for what is served, `identity/sign_in.rs` for how an operation is written, `schema.sql` for what is
//! kept, `static/profiles/standard.toml` for what can be set, `tests/it/accounts.rs` for what is promised.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod env;
pub mod error;
pub mod http;
pub mod identity;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod password;
pub mod seal;
pub mod sms;
pub mod store;
pub mod token;
pub mod web;
