//! Who is calling: the only way to a [`Caller`] is through a token whose session is alive in this very request.

use super::Core;
use crate::error::{Error, Result};
use crate::model::{Account, SessionId, Time};

/// Somebody who has shown a valid access token in this request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their account, as read in this request.
    pub account: Account,
    /// The session the token belongs to.
    pub session: SessionId,
    /// When its owner last proved who they are.
    pub proved_at: Time,
    /// Their roles, sorted.
    pub roles: Vec<String>,
    /// What the roles may do together, sorted.
    pub permissions: Vec<String>,
}

/// Checks a token, then reads its session and account.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `SessionEnded`.
pub async fn authenticate(_core: &Core, _token: &str) -> Result<Caller> {
    Err(Error::internal("not built"))
}
