//! What the command line (and later the admin API) does to accounts.

use super::Core;
use crate::error::{Error, Result};
use crate::model::{Account, Email, Password, Source, Username};

/// An account with its roles.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// Its roles, sorted.
    pub roles: Vec<String>,
    /// How many live sessions it has.
    pub sessions: i64,
}

/// What an administrator gives for a new account.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The address.
    pub email: Email,
    /// The user name.
    pub username: Option<Username>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The password, its rules checked.
    pub password: Password,
    /// The roles besides the default one.
    pub roles: Vec<String>,
    /// The address counts as proved.
    pub verified: bool,
}

/// Which accounts a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this state's word: `active`, `pending`, `suspended`, `deleted`.
    pub status: Option<String>,
    /// Only those whose address or user name begins with this.
    pub search: Option<String>,
}

/// Finds an account by id, e-mail address or user name.
///
/// # Errors
/// `AccountNotFound`.
pub async fn find(_core: &Core, _name: &str) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Accounts in the order they were made, after this id, at most `limit`.
///
/// # Errors
/// `Unavailable`.
pub async fn list(_core: &Core, _filter: &Filter, _after: Option<&str>, _limit: i64) -> Result<Vec<Entry>> {
    Err(Error::internal("not built"))
}

/// Makes an account.
///
/// # Errors
/// `EmailTaken`, `UsernameTaken`, `Validation` for an unknown role.
pub async fn create(_core: &Core, _new: NewEntry, _source: &Source) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Sets a password and ends all sessions.
///
/// # Errors
/// `AccountNotFound`.
pub async fn set_password(_core: &Core, _name: &str, _password: Password, _source: &Source) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Counts the address as proved.
///
/// # Errors
/// `AccountNotFound`.
pub async fn verify(_core: &Core, _name: &str, _source: &Source) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Which way a role goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleChange {
    /// Give it.
    Give,
    /// Take it.
    Take,
}

/// Gives or takes a role; the last admin keeps theirs.
///
/// # Errors
/// `AccountNotFound`, `Validation` for an unknown role, `Forbidden` for the last admin.
pub async fn change_role(
    _core: &Core,
    _name: &str,
    _role: &str,
    _change: RoleChange,
    _source: &Source,
) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Suspends an account and ends its sessions.
///
/// # Errors
/// `AccountNotFound`, `Forbidden` for the last admin.
pub async fn suspend(_core: &Core, _name: &str, _source: &Source) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Lets a suspended account in again and lifts a lockout.
///
/// # Errors
/// `AccountNotFound`.
pub async fn unlock(_core: &Core, _name: &str, _source: &Source) -> Result<Entry> {
    Err(Error::internal("not built"))
}

/// Deletes an account: hidden at once, erased after 30 days; one that nobody proved goes at once.
///
/// # Errors
/// `AccountNotFound`, `Forbidden` for the last admin.
pub async fn delete(_core: &Core, _name: &str, _source: &Source) -> Result<Entry> {
    Err(Error::internal("not built"))
}
