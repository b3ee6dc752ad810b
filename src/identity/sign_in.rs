//! Logging in with a password.

use super::Core;
use super::gate::{Issued, Remember};
use crate::error::{Error, Result};
use crate::model::{Password, Source};

/// The name an account is looked for by, as typed; need not be of any form.
#[derive(Debug, Clone)]
pub enum Name {
    /// An e-mail address.
    Email(String),
    /// A user name.
    Username(String),
}

/// What a login brings.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub name: Name,
    /// The password.
    pub password: Password,
    /// For how long.
    pub remember: Remember,
}

/// Refuses a locked name before any limit is looked at (`AccountLocked`); where the policy locks nothing, does nothing.
///
/// # Errors
/// `AccountLocked` with the time that is left.
pub async fn refuse_locked(_core: &Core, _name: &Name) -> Result<()> {
    Err(Error::internal("not built"))
}

/// Checks the password and issues a session at the gate.
///
/// # Errors
/// `InvalidCredentials` for an unknown name and a wrong password alike; after the right password `EmailUnverified`
/// (where that is told), `AccountSuspended`, `AccountDeleted`; `AccountLocked`, `TooMany(SignIn)`, `Unavailable`.
pub async fn with_password(_core: &Core, _credentials: Credentials, _source: &Source) -> Result<Issued> {
    Err(Error::internal("not built"))
}
