//! Shared by the tests of this module: a clock set by hand, and an instance that can be restarted.

use std::sync::Arc;
use std::time::Duration;

use super::mint::{ClaimRules, Mint};
use super::ring::{KeyRows, Ring};
use super::{AccessToken, Audience, Grant};
use crate::config::{self, Algorithm};
use crate::env::{Env, HandClock, SystemRandomness};
use crate::error::Result;
use crate::model::{AccountId, Secret, SessionId, Time};
use crate::seal::MasterKey;
use crate::store::tables::keys::fixture::TestDb;

/// When the tests begin, in seconds.
pub(super) const START: i64 = 1_700_000_000;
pub(super) const ISSUER: &str = "http://localhost:3000";

/// An instance: the state that survives a restart.
pub(super) struct Instance {
    pub(super) db: TestDb,
    pub(super) clock: Arc<HandClock>,
    pub(super) env: Env,
    pub(super) master: MasterKey,
    pub(super) config: config::TokensConfig,
}

impl Instance {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let clock = Arc::new(HandClock::at(Time::from_seconds(START)));
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
            env: Env::new(clock.clone(), Arc::new(SystemRandomness::default())),
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

    /// Sets the clock.
    pub(super) fn set_clock(&self, seconds: i64) {
        self.clock.set(Time::from_seconds(seconds));
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
