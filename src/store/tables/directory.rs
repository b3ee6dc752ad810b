//! The administrator's view of the `accounts` table: single accounts, corrections, and the list of
//! those that are present. `listing` has filtered and sorted lists.

use crate::error::Result;
use crate::model::{Account, AccountId, LanguageTag, Time};
use crate::sql;
use crate::store::db::Db;
use crate::store::tables::accounts::{
    ProfileChange, columns, profile_change, read, run_profile_change,
};

/// Lists the accounts that are not deleted in the order of their creation.
pub fn present(db: &mut dyn Db, limit: i64, offset: i64) -> Result<Vec<Account>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from accounts a where a.deleted_at is null order by a.number limit $1 offset $2"
        )),
        &[limit.into(), offset.into()],
    )?;
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Finds the account with this number.
pub fn find_by_number(db: &mut dyn Db, number: i64) -> Result<Option<Account>> {
    let row = db.first(
        sql!(concat!("select ", columns!(), " from accounts a where a.number = $1")),
        &[number.into()],
    )?;
    row.map(|mut row| read(&mut row)).transpose()
}

/// New values for another user's profile: `None` leaves a field unchanged, `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    pub first_name: Option<Option<String>>,
    pub last_name: Option<Option<String>>,
    /// A new phone number is unverified.
    pub phone: Option<Option<String>>,
    pub locale: Option<Option<LanguageTag>>,
}

impl Correction {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_name.is_none()
            && self.last_name.is_none()
            && self.phone.is_none()
            && self.locale.is_none()
    }
}

/// Corrects a profile, including that of a suspended account. A full name gives way to the given and
/// family name. Returns false if the account is deleted.
pub fn correct(db: &mut dyn Db, id: &AccountId, change: &Correction, now: Time) -> Result<bool> {
    let Correction { first_name, last_name, phone, locale } = change.clone();
    let is_renamed = first_name.is_some() || last_name.is_some();
    let name = is_renamed.then_some(None);
    let change = ProfileChange { first_name, last_name, name, phone, locale, company_name: None };
    run_profile_change(db, sql!(profile_change!()), id, &change, now)
}

/// Restores a deleted account. Returns false if it is not deleted, or was deleted before
/// `deleted_after`.
pub fn restore(db: &mut dyn Db, id: &AccountId, deleted_after: Time, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set deleted_at = null, deleted_by = null, credential_version = credential_version + 1, updated_at = $1 \
             where id = $2 and deleted_at > $3"
        ),
        &[now.into(), id.as_str().into(), deleted_after.into()],
    )?;
    Ok(changed == 1)
}
