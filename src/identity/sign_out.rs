//! Ending sessions by their owner's wish.

use super::{Caller, Core};
use crate::error::{Error, Result};
use crate::model::{AccountId, SessionId, Source};

/// Whose session a logout is about: shown by an access token or by a refresh token.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
}

impl From<&Caller> for Holder {
    fn from(caller: &Caller) -> Self {
        Self { account: caller.account.id.clone(), session: caller.session.clone() }
    }
}

/// Who holds this refresh token, if its session is alive and the token is its current one or within the grace.
///
/// # Errors
/// `RefreshInvalid`, `RefreshRevoked`.
pub async fn holder_of(_core: &Core, _refresh_token: &str) -> Result<Holder> {
    Err(Error::internal("not built"))
}

/// Ends this session.
///
/// # Errors
/// `Unavailable`.
pub async fn here(_core: &Core, _holder: &Holder, _source: &Source) -> Result<()> {
    Err(Error::internal("not built"))
}

/// Ends all sessions of the account.
///
/// # Errors
/// `Unavailable`.
pub async fn everywhere(_core: &Core, _holder: &Holder, _source: &Source) -> Result<()> {
    Err(Error::internal("not built"))
}
