//! Tokens: signing keys, access tokens (RFC 7519, RFC 8725), the memory of verified ones, refresh tokens.
//!
//! `keys` is one key, `ring` the keys in force, `rotation` turns them, `jwt` the form of a token, `mint` signs and checks, `memory` remembers
//! what was checked. A right token is not yet a caller: whether its session lives is read elsewhere, in every request.

#[cfg(test)]
mod fixture;
mod jwks;
mod jwt;
mod keys;
mod memory;
mod mint;
pub mod refresh;
mod ring;
mod rotation;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{AccountId, SessionId, Time};
use crate::seal::MasterKey;
use crate::store::{self, Store};
use mint::{Mint, Rules};
use ring::{Ring, Stored};

pub use rotation::{Begin, NewKeys, Old, Rotation};

/// What an access token says that we ever read back, and under which keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// `sub`
    pub account: AccountId,
    /// `sid`
    pub session: SessionId,
    /// `iat`
    pub issued_at: Time,
    /// `exp`
    pub expires_at: Time,
    /// The epoch of the keys that it was checked under.
    pub epoch: i64,
}

/// What an access token is made of.
#[derive(Debug, Clone)]
pub struct Grant {
    /// `sub`
    pub account: AccountId,
    /// `sid`
    pub session: SessionId,
    /// When the session ends whatever happens: no token outlives it.
    pub session_ends: Option<Time>,
    /// The wire's own claims, in order.
    pub claims: Vec<(&'static str, serde_json::Value)>,
}

/// A signed access token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The JWT.
    pub token: String,
    /// When it dies.
    pub expires_at: Time,
    /// For how many seconds it lives.
    pub expires_in: i64,
}

/// The keys in force, and what they can do. Cheap to clone; whoever sees another epoch than its own calls `reload`.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    mint: Mint,
    config: config::Tokens,
    store: Store,
    master: MasterKey,
    env: Env,
    made: Option<String>,
    missing: Missing,
    /// Held while keys are loaded, so that a thousand requests that see a new epoch load them once.
    loading: tokio::sync::Mutex<()>,
}

/// What is done about a key that the configuration asks for and the database lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// It is made; the one of another algorithm or secret stops signing.
    Made,
    /// Nothing: whoever has another configuration than the server must not take its key away.
    Left,
}

impl Tokens {
    /// Loads the keys, making the first ones when the database has none for the configured algorithm.
    ///
    /// # Errors
    /// When the store or the master key fails, or a configured secret is too weak.
    pub async fn open(
        config: &config::Tokens,
        issuer: &str,
        store: &Store,
        master: &MasterKey,
        env: &Env,
    ) -> Result<Self> {
        Self::load(config, issuer, store, master, env, Missing::Made).await
    }

    /// Loads the keys as they are, for a command beside the server: it can check tokens, and sign where the server's
    /// key is the one that its own configuration names.
    ///
    /// # Errors
    /// As [`Tokens::open`].
    pub async fn open_stored(
        config: &config::Tokens,
        issuer: &str,
        store: &Store,
        master: &MasterKey,
        env: &Env,
    ) -> Result<Self> {
        Self::load(config, issuer, store, master, env, Missing::Left).await
    }

    async fn load(
        config: &config::Tokens,
        issuer: &str,
        store: &Store,
        master: &MasterKey,
        env: &Env,
        missing: Missing,
    ) -> Result<Self> {
        ring::check_config(config)?;
        let (ring, made) = open_ring(config, store, master, env, missing).await?;
        let rules = Rules { issuer: issuer.to_owned(), audience: config.audience.clone(), life: config.access };
        Ok(Self(Arc::new(Inner {
            mint: Mint::new(rules, env.clone(), master.clone(), ring),
            config: config.clone(),
            store: store.clone(),
            master: master.clone(),
            env: env.clone(),
            made,
            missing,
            loading: tokio::sync::Mutex::default(),
        })))
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// When no key can sign.
    pub fn sign(&self, grant: &Grant) -> Result<AccessToken> {
        self.0.mint.sign(grant)
    }

    /// Checks an access token's form, key, signature and times; the session behind it is the caller's to check.
    ///
    /// # Errors
    /// `TokenInvalid` or `TokenExpired`.
    pub fn verify(&self, token: &str) -> Result<Verified> {
        self.0.mint.verify(token)
    }

    /// The epoch these keys were loaded at.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.0.mint.ring().epoch
    }

    /// Loads the keys again: another process, or this one, has changed them.
    ///
    /// # Errors
    /// When the store or the master key fails.
    pub async fn reload(&self) -> Result<()> {
        let inner = &self.0;
        let _one_at_a_time = inner.loading.lock().await;
        if inner.store.read(|db| store::keys::epoch(db)).await? != self.epoch() {
            let (ring, _) = open_ring(&inner.config, &inner.store, &inner.master, &inner.env, inner.missing).await?;
            inner.mint.replace(ring);
        }
        Ok(())
    }

    /// Makes the keys of a rotation, on the keys as they are stored now; nothing changes before [`NewKeys::put`].
    ///
    /// # Errors
    /// `Forbidden` where the configuration holds the secret, or is not the one that the keys were made under.
    pub async fn new_keys(&self, rotation: Rotation) -> Result<NewKeys> {
        self.reload().await?;
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || {
            rotation::make(rotation, &inner.mint.ring(), &inner.config, &inner.master, &inner.env)
        })
        .await
        .map_err(|error| Error::internal("the making of keys was cut off").caused_by(error))?
    }

    /// Whether the signing key is old enough for its successor to be made.
    #[must_use]
    pub fn is_turn_due(&self) -> bool {
        rotation::is_due(&self.0.mint.ring(), &self.0.config, self.0.env.now())
    }

    /// The id of the key that signs now.
    #[must_use]
    pub fn signer(&self) -> Option<String> {
        self.0.mint.ring().signer(self.0.env.now()).map(|held| held.kid.to_string())
    }

    /// The public keys, as `/.well-known/jwks.json` answers them (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.0.mint.ring().jwks(self.0.env.now())
    }

    /// The keys of refresh tokens in force.
    #[must_use]
    pub fn refresh_keys(&self) -> Arc<refresh::Keys> {
        let now = self.0.env.now();
        let keys = Arc::clone(&self.0.mint.ring().refresh);
        if keys.all_live(now) { keys } else { Arc::new(keys.live(now)) }
    }

    /// The id of the signing key that was made at the start, for the audit log.
    #[must_use]
    pub fn made(&self) -> Option<&str> {
        self.0.made.as_deref()
    }
}

/// Loads the keys, and makes what is missing. Stored ones are opened first: a wrong master key is an error, never a
/// reason for another key.
async fn open_ring(
    config: &config::Tokens,
    store: &Store,
    master: &MasterKey,
    env: &Env,
    missing: Missing,
) -> Result<(Ring, Option<String>)> {
    let load = || async { Ring::open(&store.read(|db| Stored::read(db)).await?, config, master, env.now()) };
    let ring = load().await?;
    if missing == Missing::Left {
        return Ok((ring, None));
    }
    let made = {
        let (config, master, env) = (config.clone(), master.clone(), env.clone());
        let making = move || ring.make_missing(&config, &master, &env).map(|made| (ring, made));
        tokio::task::spawn_blocking(making)
            .await
            .map_err(|error| Error::internal("the making of keys was cut off").caused_by(error))?
    };
    let (ring, made) = made?;
    if made.is_empty() {
        return Ok((ring, None));
    }
    let kid = made.signing.as_ref().map(|key| key.id.clone());
    let access = config.access;
    store.write(move |db| made.store(db, access)).await?;
    Ok((load().await?, kid))
}
