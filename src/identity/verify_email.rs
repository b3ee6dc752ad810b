//! Proving an address: the link, asking for it again, and "this was not me".

use super::Core;
use crate::error::{Error, Result};
use crate::model::{Email, Source};

/// What a verification link did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// The address is proved now.
    Now,
    /// It was proved before.
    Already,
}

/// Uses a verification link.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn prove(_core: &Core, _token: &str, _source: &Source) -> Result<Proved> {
    Err(Error::internal("not built"))
}

/// "This was not me": removes the account that nobody has proved.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn disown(_core: &Core, _token: &str, _source: &Source) -> Result<()> {
    Err(Error::internal("not built"))
}

/// Asks for the verification mail again; the answer never depends on the account.
///
/// # Errors
/// `Unavailable`.
pub async fn request(_core: &Core, _email: &Email, _source: &Source) -> Result<()> {
    Err(Error::internal("not built"))
}
