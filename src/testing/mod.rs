//! The test mode of `authd serve --test`, for the tests of apps: mail that goes nowhere and can be
//! read, a clock that can be moved, users by one call.
//!
//! It is an [`Outside`] and an [`Env`] of its own; no other code knows of it. A server in test mode
//! answers this machine alone (`guard`), uses no database that a server without it has used, and
//! says so in each response, on each page and in each line of its log.

mod api;
mod clock;
mod guard;
mod mailbox;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use poem::{Endpoint, Response};

use crate::app::{self, Outside};
use crate::config::{Config, Environment};
use crate::env::{Env, Random, SystemRandomness};
use crate::error::{Error, Result};
use crate::http::limits::Limiter;
use crate::identity::Core;
use crate::mail::Mailer;
use crate::model::{Database, Time};
use crate::outbox::Deliver;
use crate::store::{self, Store};

use clock::TestClock;
use mailbox::{Mailbox, TestGateway, TestMailer};

pub use api::PATHS;

/// The name under which a database records that it is one for tests.
const MARK: &str = "test_mode";

/// What a server in test mode keeps besides its database.
#[derive(Clone)]
pub struct TestMode {
    clock: Arc<TestClock>,
    mailbox: Arc<Mailbox>,
}

impl TestMode {
    /// A test mode in which every one-time code is this number, if one is given, and the
    /// environment of its server.
    #[must_use]
    pub fn new(code: Option<u32>) -> (Self, Env) {
        let clock = Arc::new(TestClock::new(Env::real()));
        let random: Arc<dyn Random> = match code {
            Some(code) => Arc::new(FixedCode { code, random: SystemRandomness::default() }),
            None => Arc::new(SystemRandomness::default()),
        };
        let env = Env::new(clock.clone(), random);
        let mailbox = Arc::new(Mailbox::new(env.clone()));
        (Self { clock, mailbox }, env)
    }

    /// Refuses a configuration whose server others could reach or depend on.
    ///
    /// # Errors
    /// `Internal`, naming the setting.
    pub fn check(config: &Config) -> Result<()> {
        let server = &config.server;
        let refuse = |key: &str, found: &dyn std::fmt::Display| {
            Err(Error::refused(format!(
                "{key} is {found}: the test mode is for this machine alone, where anyone may read all mail and \
                 delete all accounts. Leave out --test, or change {key}"
            )))
        };
        if server.environment == Environment::Production {
            return refuse("server.environment", &"production");
        }
        if server.is_public() {
            return refuse("server.public_url", &server.public_url.as_deref().unwrap_or_default());
        }
        if !server.listen.ip().is_loopback() {
            return refuse("server.listen", &server.listen);
        }
        if let Some(listen) = config.metrics.listen.filter(|listen| !listen.ip().is_loopback()) {
            return refuse("metrics.listen", &listen);
        }
        // A proxy on this machine could pass on what others ask it by such a name.
        let is_foreign = |host: &&String| !is_local_name(host);
        if let Some(host) = server.service_hosts.iter().find(is_foreign) {
            return refuse("server.service_hosts", host);
        }
        if server.trusted_proxies.as_ref().is_some_and(|proxies| !proxies.is_empty()) {
            return refuse("server.trusted_proxies", &"set");
        }
        Ok(())
    }
}

/// Whether a host name means this machine wherever it is resolved (RFC 6761).
fn is_local_name(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| {
        address.to_canonical().is_loopback()
    })
}

/// Whether a database is for tests. A new one becomes what the server that makes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseUse {
    /// For a server in test mode, which may delete everything.
    Tests,
    /// For any other server.
    Real,
}

/// Refuses an existing database that is not for this use: `DELETE /test` would delete real accounts,
/// and accounts from a test mode have passwords that others know.
///
/// # Errors
/// `Internal`.
pub fn check_database(database: &Database, wanted: DatabaseUse) -> Result<()> {
    let mark = Store::inspect(database, |db, version| {
        store::tables::instance::text_at(db, version, MARK)
    })?;
    match (mark, wanted) {
        (Some(None), DatabaseUse::Tests) => Err(Error::refused(format!(
            "{database} was not made in test mode, which could delete all its accounts: name a new file"
        ))),
        (Some(Some(_)), DatabaseUse::Real) => Err(Error::refused(format!(
            "{database} was made in test mode (authd serve --test) and is for tests alone: name another file"
        ))),
        _ => Ok(()),
    }
}

/// Records in a new database that it is for tests.
///
/// # Errors
/// `Unavailable`.
pub async fn mark_database(core: &Core) -> Result<()> {
    core.store
        .write(|db| {
            store::tables::instance::set_text_if_absent(db, MARK, env!("CARGO_PKG_VERSION"))
        })
        .await
}

impl Outside for TestMode {
    fn mailer(&self, _core: &Core) -> Arc<dyn Mailer> {
        Arc::new(TestMailer(self.mailbox.clone()))
    }

    fn gateway(&self, _core: &Core) -> Arc<dyn Deliver> {
        Arc::new(TestGateway(self.mailbox.clone()))
    }

    fn endpoint(
        &self,
        core: &Arc<Core>,
        limiter: &Limiter,
    ) -> impl Endpoint<Output = Response> + 'static + use<> {
        let more = api::routes(self, core, limiter);
        guard::guarded(app::endpoint_with(core, limiter, more), core)
    }
}

/// Randomness that makes every one-time code the same.
struct FixedCode {
    code: u32,
    random: SystemRandomness,
}

impl Random for FixedCode {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        self.random.fill(buffer)
    }

    fn below_million(&self) -> Result<u32> {
        Ok(self.code)
    }
}

/// The time now, for responses.
fn shown(time: Time) -> String {
    time.to_millis_text()
}
