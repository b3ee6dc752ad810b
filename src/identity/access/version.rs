//! The version of an account: what tells two administrators that one of them has changed it meanwhile.

use crate::error::{Detail, Kind, Result};
use crate::model::{Account, AccountId, secret};
use crate::store::db::Db;
use crate::store::tables;

/// A digest of what administrators see and change of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountVersion(String);

/// The versions of an account that a change is meant for, as a form or a request states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedVersions(Vec<String>);

impl AccountVersion {
    /// The version of an account as it was read.
    #[must_use]
    pub fn of(account: &Account, roles: &[String]) -> Self {
        let text = format!(
            "{:?}",
            (
                (account.updated_at.millis(), account.credential_version),
                (&account.first_name, &account.last_name, &account.phone, account.locale),
                (account.suspended_at, account.deleted_at, account.email_verified_at),
                roles,
            )
        );
        Self(secret::encode(&secret::digest(text.as_bytes()))[..16].to_owned())
    }

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StatedVersions {
    /// One of these.
    #[must_use]
    pub fn any_of(versions: impl IntoIterator<Item: Into<String>>) -> Self {
        Self(versions.into_iter().map(Into::into).collect())
    }

    /// Refuses a change of an account that is no longer the one that the administrator saw. In the
    /// write, so that no other change can come between.
    pub(super) fn check(&self, db: &mut dyn Db, id: &AccountId) -> Result<()> {
        let account = tables::accounts::find(db, id)?.ok_or(Kind::AccountNotFound)?;
        let roles = tables::roles::of(db, id)?;
        let AccountVersion(current) = AccountVersion::of(&account, &roles);
        if self.0.contains(&current) { Ok(()) } else { Err(Detail::AccountChanged.into()) }
    }
}
