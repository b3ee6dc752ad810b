//! Turning a refresh token: rotation, the grace for its direct parent, reuse.

use super::Core;
use super::gate::Issued;
use crate::error::{Error, Result};
use crate::model::Source;

/// Where the token came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// In the body.
    Body,
    /// In the cookie.
    Cookie,
}

/// Refreshes the session behind a token.
///
/// # Errors
/// `RefreshInvalid`, `RefreshRevoked`, `Unavailable`.
pub async fn turn(_core: &Core, _token: &str, _channel: Channel, _source: &Source) -> Result<Issued> {
    Err(Error::internal("not built"))
}
