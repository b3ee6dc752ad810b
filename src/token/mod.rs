//! Tokens: signing keys, access tokens (RFC 7519, RFC 8725), the cache of verified tokens, refresh
//! tokens.
//!
//! `keys` is one key, `ring` the keys in force, `rotation` rotates them, `jwt` encodes and parses
//! tokens, `mint` signs and checks them, `memory` caches the verified ones. A valid token does not
//! yet authenticate a caller: every request also checks in the database that its session is alive.

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
use crate::store::db::Db;
use crate::store::{self, Store};
use mint::{ClaimRules, Mint};
use ring::{KeyRows, Ring};

pub use rotation::{Begin, NewKeys, Old, Rotation};

/// The claims of a verified access token that authd uses, and the epoch of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// `sub`
    pub account: AccountId,
    /// `sid`
    pub session: SessionId,
    /// `iat`
    pub issued_at: Time,
    /// `exp`
    pub expires_at: Time,
    /// Epoch of the keys that verified it.
    pub epoch: i64,
}

/// Whom an access token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// authd itself and the services of this instance: header `typ` is `JWT`, and `aud` is the
    /// configured one, if there is one. Plain JWT libraries refuse an `aud` that they do not expect.
    Instance,
    /// A resource server of another party (RFC 8707): header `typ` is `at+jwt` (RFC 9068), and `aud`
    /// names it. authd refuses such a token on all its own APIs.
    Resource(String),
}

/// The contents of a new access token.
#[derive(Debug, Clone)]
pub struct Grant {
    /// `sub`
    pub account: AccountId,
    /// `sid`
    pub session: SessionId,
    /// When the session ends at the latest: no token outlives it.
    pub session_ends: Option<Time>,
    pub audience: Audience,
    /// `scope` (RFC 8693, section 4.2), if the grant is limited to one.
    pub scope: Option<String>,
    /// The wire's own claims, in order.
    pub claims: Vec<(&'static str, serde_json::Value)>,
}

/// A signed access token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The JWT.
    pub token: String,
    pub expires_at: Time,
    /// Lifetime in seconds.
    pub expires_in: i64,
}

/// The keys in force, and the operations on them. Cheap to clone. A caller that sees a different
/// epoch than theirs reloads them, with everything else that the epoch stands for.
#[derive(Clone)]
pub struct Tokens(Arc<TokensInner>);

struct TokensInner {
    mint: Mint,
    config: config::TokensConfig,
    store: Store,
    master: MasterKey,
    env: Env,
    made: Option<String>,
    missing: Missing,
    /// Held while keys are loaded, so that a thousand requests that see a new epoch load them only
    /// once.
    loading: tokio::sync::Mutex<()>,
}

/// What happens when the configuration asks for a key that the database lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// It is made. A key with another algorithm or secret stops signing.
    Made,
    /// The newest key in the database signs, even if its algorithm or secret is not the configured one. A
    /// key is made only if there is none. Servers with a new configuration are started one after another,
    /// and the first of them has made the key; if each made its own at every reload, they would replace
    /// each other's keys forever.
    Followed,
    /// Nothing: a command with another configuration than the server must not disable the server's
    /// key.
    Left,
}

impl Tokens {
    /// Loads the keys. Makes the first ones if the database has none for the configured algorithm.
    pub async fn open(
        config: &config::TokensConfig,
        issuer: &str,
        store: &Store,
        master: &MasterKey,
        env: &Env,
    ) -> Result<Self> {
        Self::load(config, issuer, store, master, env, Missing::Made).await
    }

    /// Loads the keys without making any, for a command that runs next to the server. Such a
    /// command can check tokens. It can sign only if its own configuration names the server's key.
    ///
    /// # Errors
    /// As [`Tokens::open`].
    pub async fn open_stored(
        config: &config::TokensConfig,
        issuer: &str,
        store: &Store,
        master: &MasterKey,
        env: &Env,
    ) -> Result<Self> {
        Self::load(config, issuer, store, master, env, Missing::Left).await
    }

    async fn load(
        config: &config::TokensConfig,
        issuer: &str,
        store: &Store,
        master: &MasterKey,
        env: &Env,
        missing: Missing,
    ) -> Result<Self> {
        ring::check_config(config)?;
        let (ring, made) = open_ring(config, store, master, env, missing).await?;
        let rules = ClaimRules {
            issuer: issuer.to_owned(),
            audience: config.audience.clone(),
            life: config.access,
        };
        Ok(Self(Arc::new(TokensInner {
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
    pub fn sign(&self, grant: &Grant) -> Result<AccessToken> {
        self.0.mint.sign(grant)
    }

    /// Checks an access token's form, key, signature and times. The caller must check the session
    /// behind it.
    ///
    /// # Errors
    /// `TokenInvalid` or `TokenExpired`.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken> {
        self.0.mint.verify(token)
    }

    /// The epoch these keys were loaded at.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.0.mint.ring().epoch
    }

    /// Reloads the keys if this or another process has changed them, and `others`: everything else
    /// that the epoch stands for.
    ///
    /// The epoch is read first and published last. `others` is read in between, so it is never
    /// older than the epoch that callers compare.
    pub async fn reload(&self, others: impl Future<Output = Result<()>>) -> Result<()> {
        let inner = &self.0;
        let _one_at_a_time = inner.loading.lock().await;
        if inner.store.read(|db| store::tables::keys::epoch(db)).await? != self.epoch() {
            let missing = match inner.missing {
                Missing::Made | Missing::Followed => Missing::Followed,
                Missing::Left => Missing::Left,
            };
            let (ring, _) =
                open_ring(&inner.config, &inner.store, &inner.master, &inner.env, missing).await?;
            others.await?;
            inner.mint.replace(ring);
        }
        Ok(())
    }

    /// Makes the keys of a rotation, based on the loaded keys. Nothing changes until
    /// [`NewKeys::put`], which refuses them if the stored keys are others.
    ///
    /// # Errors
    /// `Forbidden` where the configuration holds the secret, or differs from the one that the keys
    /// were made under.
    pub async fn new_keys(&self, rotation: Rotation) -> Result<NewKeys> {
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || {
            rotation::make(rotation, &inner.mint.ring(), &inner.config, &inner.master, &inner.env)
        })
        .await
        .map_err(|error| Error::internal("generating keys was interrupted").caused_by(error))?
    }

    /// Whether the signing key is old enough to be rotated.
    #[must_use]
    pub fn is_rotation_due(&self) -> bool {
        rotation::is_due(&self.0.mint.ring(), &self.0.config, self.0.env.now())
    }

    /// The id of the key that signs now.
    #[must_use]
    pub fn signer(&self) -> Option<String> {
        self.0.mint.ring().signer(self.0.env.now()).map(|held| held.kid.to_string())
    }

    /// The public keys, as served at `/.well-known/jwks.json` (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.0.mint.ring().jwks(self.0.env.now())
    }

    /// The refresh token keys in force.
    #[must_use]
    pub fn refresh_keys(&self) -> Arc<refresh::MacKeys> {
        let now = self.0.env.now();
        let keys = Arc::clone(&self.0.mint.ring().refresh);
        if keys.all_live(now) { keys } else { Arc::new(keys.live(now)) }
    }

    /// The id of the signing key that was made at startup, for the audit log.
    #[must_use]
    pub fn made(&self) -> Option<&str> {
        self.0.made.as_deref()
    }
}

/// Loads the keys and makes missing ones. Stored keys are opened first: a wrong master key must
/// fail, and never leads to a new key.
async fn open_ring(
    config: &config::TokensConfig,
    store: &Store,
    master: &MasterKey,
    env: &Env,
    missing: Missing,
) -> Result<(Ring, Option<String>)> {
    let load = || async {
        let stored = store.read(|db| KeyRows::read(db)).await?;
        let ring = Ring::open(&stored, config, master, env.now())?;
        Ok::<_, Error>(if missing == Missing::Followed { ring.following() } else { ring })
    };
    let ring = load().await?;
    if missing == Missing::Left {
        return Ok((ring, None));
    }
    let made = {
        let (config, master, env) = (config.clone(), master.clone(), env.clone());
        let making = move || ring.make_missing(&config, &master, &env).map(|made| (ring, made));
        tokio::task::spawn_blocking(making)
            .await
            .map_err(|error| Error::internal("generating keys was interrupted").caused_by(error))?
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

/// Opens every stored key of a database, of any schema version, and returns how many there are.
///
/// # Errors
/// `Internal` if one was sealed under another master key, or is damaged.
pub fn open_all(db: &mut dyn Db, master: &MasterKey) -> Result<usize> {
    let stored = store::tables::backups::sealed_keys(db)?;
    for (id, algorithm, sealed) in &stored.signing {
        ring::open_signing(master, id, algorithm, sealed)?;
    }
    for (version, sealed) in &stored.refresh {
        ring::open_refresh(master, *version, sealed)?;
    }
    Ok(stored.signing.len() + stored.refresh.len())
}
