//! The refresh token: session id, generation, a 32-byte secret, and a MAC over them with a versioned key.
//!
//! The first secret is random, each next one is a MAC of the one before: whoever presents the parent gets the identical
//! successor, computed from what was presented. A forged token dies without a read.

use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::SessionId;

/// The MAC keys in force, by version.
pub struct Keys {}

/// A refresh token whose MAC was right.
#[derive(Clone)]
pub struct RefreshToken {
    /// The session it belongs to.
    pub session: SessionId,
    /// How often its session's token had turned when it was made.
    pub generation: i64,
    version: i64,
    secret: zeroize::Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    /// The first token of a new session.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn first(_keys: &Keys, _env: &Env, _session: &SessionId) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// Reads a presented token.
    ///
    /// # Errors
    /// `RefreshInvalid` when it is not one of ours.
    pub fn parse(_keys: &Keys, _text: &str) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// The token after this one, always the same.
    ///
    /// # Errors
    /// `RefreshInvalid` when this token's key has died since.
    pub fn successor(&self, _keys: &Keys) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// What the store keeps of it: SHA-256 of the secret.
    #[must_use]
    pub fn secret_hash(&self) -> [u8; 32] {
        crate::model::secret::digest(&self.secret[..])
    }

    /// As the client holds it.
    ///
    /// # Errors
    /// `RefreshInvalid` when its key has died since.
    pub fn to_text(&self, _keys: &Keys) -> Result<String> {
        let _ = self.version;
        Err(Error::internal("not built"))
    }
}
