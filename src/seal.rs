//! The master key: what is sealed under it can be read by this instance alone, not by whoever has the database file.

use std::path::Path;

use crate::env::Env;
use crate::error::{Error, Result};

/// The master key, kept outside the database. Cheap to clone.
#[derive(Clone)]
pub struct MasterKey {}

impl MasterKey {
    /// The key given as text (`AUTHD_MASTER_KEY`).
    ///
    /// # Errors
    /// When the text is not 32 bytes in base64url or hexadecimal.
    pub fn parse(_text: &str) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// The key in this file.
    ///
    /// # Errors
    /// When it cannot be read, is not a key, or others may read it.
    pub fn load(_path: &Path) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// A new key, written to this file with mode 0600; never over one that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(_path: &Path, _env: &Env) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// Seals bytes; `place` (table, column, row id) is bound to them, so a sealed value cannot be moved.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(&self, _env: &Env, _place: &str, _plain: &[u8]) -> Result<Vec<u8>> {
        Err(Error::internal("not built"))
    }

    /// Opens what [`MasterKey::seal`] made for the same place.
    ///
    /// # Errors
    /// When it was made with another key, for another place, or is damaged.
    pub fn open(&self, _place: &str, _sealed: &[u8]) -> Result<Vec<u8>> {
        Err(Error::internal("not built"))
    }

    /// A MAC under a key of its own for this purpose: HMAC-SHA-256.
    #[must_use]
    pub fn mac(&self, _purpose: &str, _bytes: &[u8]) -> [u8; 32] {
        [0; 32]
    }
}
