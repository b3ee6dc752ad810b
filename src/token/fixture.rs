//! Shared by the tests of this module: a clock set by hand, and an instance that can be restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::mint::{ClaimRules, Mint};
use super::ring::{KeyRows, Ring};
use super::{AccessToken, Audience, Grant};
use crate::config::{self, Algorithm};
use crate::env::{Clock, Env, Random};
use crate::error::{Error, Result};
use crate::model::{AccountId, Secret, SessionId, Time};
use crate::seal::MasterKey;
use crate::store::tables::keys::fixture::TestDb;

/// When the tests begin, in seconds.
pub(super) const START: i64 = 1_700_000_000;
pub(super) const ISSUER: &str = "http://127.0.0.1:3000";

/// A clock set by hand, in milliseconds.
#[derive(Clone)]
pub(super) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(super) fn set(&self, seconds: i64) {
        self.0.store(seconds * 1000, Ordering::SeqCst);
    }

    pub(super) fn turn(&self, by: Duration) {
        self.set(self.now().seconds() + i64::try_from(by.as_secs()).unwrap());
    }
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Time {
        self.now()
    }
}

struct Dice;

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        SystemRandom::new().fill(buffer).map_err(|_| Error::internal("no randomness"))
    }
}

/// An instance: the state that survives a restart.
pub(super) struct Instance {
    pub(super) db: TestDb,
    pub(super) clock: HandClock,
    pub(super) env: Env,
    pub(super) master: MasterKey,
    pub(super) config: config::TokensConfig,
}

impl Instance {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let clock = HandClock(Arc::new(AtomicI64::new(START * 1000)));
        let config = config::TokensConfig {
            algorithm,
            access: Duration::from_mins(15),
            issuer: None,
            audience: None,
            secret: None,
            rotate_every: None,
            lead: Duration::from_mins(10),
        };
        Self {
            db: TestDb::new(),
            env: Env::new(Arc::new(clock.clone()), Arc::new(Dice)),
            clock,
            master: MasterKey::parse(&"a1".repeat(32)).unwrap(),
            config,
        }
    }

    pub(super) fn with_secret(secret: &str) -> Self {
        let mut instance = Self::new(Algorithm::Hs256);
        instance.config.secret = Some(Secret::new(secret));
        instance
    }

    /// Does what a server start does, on the test database.
    pub(super) fn try_start(&mut self) -> Result<Mint> {
        let ring =
            Ring::open(&KeyRows::read(&mut self.db)?, &self.config, &self.master, self.env.now())?;
        let made = ring.make_missing(&self.config, &self.master, &self.env)?;
        if !made.is_empty() {
            made.store(&mut self.db, self.config.access)?;
        }
        let rules = ClaimRules {
            issuer: ISSUER.to_owned(),
            audience: self.config.audience.clone(),
            life: self.config.access,
        };
        Ok(Mint::new(rules, self.env.clone(), self.master.clone(), self.ring()?))
    }

    pub(super) fn start(&mut self) -> Mint {
        self.try_start().unwrap()
    }

    /// The ring as it is stored now.
    pub(super) fn ring(&mut self) -> Result<Ring> {
        Ring::open(&KeyRows::read(&mut self.db)?, &self.config, &self.master, self.env.now())
    }
}

pub(super) fn grant() -> Grant {
    Grant {
        account: AccountId::new("01942f3c-6c00-7000-8000-00000000000a"),
        session: SessionId::new("01942f3c-6c00-7000-8000-00000000000b"),
        session_ends: None,
        audience: Audience::Instance,
        scope: None,
        claims: vec![("role", serde_json::json!("user"))],
    }
}

pub(super) fn token(mint: &Mint) -> AccessToken {
    mint.sign(&grant()).unwrap()
}
