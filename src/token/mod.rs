//! Tokens: signing keys, access tokens (RFC 7519, RFC 8725), the memory of verified ones, refresh tokens.

pub mod refresh;

use crate::config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{AccountId, SessionId, Time};
use crate::seal::MasterKey;
use crate::store::Store;

/// What an access token says that we ever read back.
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

/// The keys in force, and what they can do. Cheap to clone; reloads itself when the epoch has risen.
#[derive(Clone)]
pub struct Tokens {}

impl Tokens {
    /// Loads the keys, making the first ones when the database has none for the configured algorithm.
    ///
    /// # Errors
    /// When the store or the master key fails, or a configured secret is too weak.
    pub async fn open(
        _config: &config::Tokens,
        _issuer: &str,
        _store: &Store,
        _master: &MasterKey,
        _env: &Env,
    ) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// When no key can sign.
    pub fn sign(&self, _grant: &Grant) -> Result<AccessToken> {
        Err(Error::internal("not built"))
    }

    /// Checks an access token's form, key, signature and times; the session behind it is the caller's to check.
    ///
    /// # Errors
    /// `TokenInvalid` or `TokenExpired`.
    pub fn verify(&self, _token: &str) -> Result<Verified> {
        Err(Error::internal("not built"))
    }

    /// The epoch these keys were loaded at.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        0
    }

    /// Loads the keys again: another process, or this one, has changed them.
    ///
    /// # Errors
    /// When the store or the master key fails.
    pub async fn reload(&self) -> Result<()> {
        Err(Error::internal("not built"))
    }

    /// The public keys, as `/.well-known/jwks.json` answers them (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// The keys of refresh tokens in force.
    #[must_use]
    pub fn refresh_keys(&self) -> std::sync::Arc<refresh::Keys> {
        std::sync::Arc::new(refresh::Keys {})
    }
}
