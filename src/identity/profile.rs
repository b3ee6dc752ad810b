//! One's own account: what it shows and what its owner may change.

use super::{Caller, Core};
use crate::error::{Error, Result};
use crate::model::{Account, Source};

/// What to change; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Given name.
    pub first_name: Option<Option<String>>,
    /// Family name.
    pub last_name: Option<Option<String>>,
    /// Telephone number.
    pub phone: Option<Option<String>>,
}

/// Changes the profile and gives back the account as it is then.
///
/// # Errors
/// `SessionEnded` when the account has gone since, `Unavailable`.
pub async fn update(_core: &Core, _caller: &Caller, _changes: Changes, _source: &Source) -> Result<Account> {
    Err(Error::internal("not built"))
}
