//! Creating an account through the public door.

use super::Core;
use crate::error::{Error, Result};
use crate::model::{AccountId, Email, Password, Source, Status, Time, Username};

/// What a sign-up brings, its forms checked.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The address.
    pub email: Email,
    /// The password, its rules checked.
    pub password: Password,
    /// The user name.
    pub username: Option<Username>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// What a sign-up is told. Where a taken address is not revealed, this is made from what was asked alone.
#[derive(Debug, Clone)]
pub struct SignedUp {
    /// The id.
    pub id: AccountId,
    /// The address as typed.
    pub email: Email,
    /// The user name as typed.
    pub username: Option<String>,
    /// The state.
    pub status: Status,
    /// Always false in the moment of sign-up.
    pub email_verified: bool,
    /// When.
    pub created_at: Time,
}

/// Makes an account and sends the verification mail.
///
/// # Errors
/// `EmailTaken` where that is revealed, `UsernameTaken`, `Unavailable`.
pub async fn register(_core: &Core, _new: NewAccount, _source: &Source) -> Result<SignedUp> {
    Err(Error::internal("not built"))
}
