//! Accounts that move into or out of an instance: their numbers, what an import looks up, and what
//! an export reads.

use crate::error::{Error, Result};
use crate::model::identity::Identity;
use crate::model::{Account, AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row};
use crate::store::tables::accounts;
use crate::store::tables::accounts::NewRow;
use crate::store::tables::identities;

/// Everything about an account that an export writes.
#[derive(Debug, Clone)]
pub struct AccountExport {
    pub account: Account,
    /// The normalised user name; `None` while the name is only reserved.
    pub username_key: Option<String>,
    /// How many uploads count against the quota.
    pub files_uploaded: i64,
    /// The account's own upload quota, if it has one.
    pub upload_limit: Option<i64>,
    /// In the order in which they were given.
    pub roles: Vec<String>,
    /// The connected accounts at providers, oldest first.
    pub identities: Vec<Identity>,
}

/// Draws `count` account numbers and returns the first.
pub fn draw_numbers(db: &mut dyn Db, count: i64) -> Result<i64> {
    let row = db.first(
        sql!(
            "insert into instance (name, number) values ('next_account', $1) \
             on conflict (name) do update set number = instance.number + excluded.number returning number"
        ),
        &[count.into()],
    )?;
    let last: i64 =
        row.ok_or_else(|| Error::internal("the account counter returned no number"))?.take()?;
    Ok(last - count + 1)
}

/// Makes sure that no number up to this one is drawn again.
pub fn pass_number(db: &mut dyn Db, number: i64) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, number) values ('next_account', $1) on conflict (name) do update set \
             number = case when instance.number < excluded.number then excluded.number else instance.number end"
        ),
        &[number.into()],
    )?;
    Ok(())
}

/// The identifiers of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub id: AccountId,
    pub number: i64,
    /// Set while the account waits for its erasure.
    pub deleted_at: Option<Time>,
    pub email_verified_at: Option<Time>,
    /// True if an import left the account without a password, and its credentials are as they were
    /// then.
    pub lacks_password: bool,
}

macro_rules! names {
    () => {
        "id, number, deleted_at, email_verified_at, case when password_hash is null \
         and imported_at is not null and credential_version = 1 then 1 else 0 end"
    };
}

fn names(row: Option<Row>) -> Result<Option<Names>> {
    row.map(|mut row| {
        Ok(Names {
            id: AccountId::new(row.take::<String>()?),
            number: row.take()?,
            deleted_at: row.take()?,
            email_verified_at: row.take()?,
            lacks_password: row.take::<i64>()? != 0,
        })
    })
    .transpose()
}

/// Finds the account with this address.
pub fn find_by_email(db: &mut dyn Db, email_key: &str) -> Result<Option<Names>> {
    let sql = sql!(concat!("select ", names!(), " from accounts where email_key = $1"));
    names(db.first(sql, &[email_key.into()])?)
}

/// Finds the account with this text id.
pub fn find_by_id(db: &mut dyn Db, id: &AccountId) -> Result<Option<Names>> {
    names(db.first(
        sql!(concat!("select ", names!(), " from accounts where id = $1")),
        &[id.as_str().into()],
    )?)
}

/// Finds the account with this number.
pub fn find_by_number(db: &mut dyn Db, number: i64) -> Result<Option<Names>> {
    names(db.first(
        sql!(concat!("select ", names!(), " from accounts where number = $1")),
        &[number.into()],
    )?)
}

/// Gives the imported account with this address the password that it came without. Its credentials must
/// be as they were then, and if its address was verified since, the file must know it as verified:
/// otherwise the password may be that of another person, which the proof has made void. Returns
/// whether the account was changed.
pub fn add_password(db: &mut dyn Db, from: &NewRow, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set password_hash = $1, password_scheme = $2, \
             email_verified_at = coalesce(email_verified_at, $3), \
             credential_version = credential_version + 1, updated_at = $4 \
             where email_key = $5 and password_hash is null and imported_at is not null \
             and credential_version = 1 and deleted_at is null \
             and (email_verified_at is null or $3 is not null)"
        ),
        &[
            from.account.password_hash.as_deref().into(),
            from.password_scheme.as_deref().into(),
            from.account.email_verified_at.into(),
            now.into(),
            from.account.email_key().into(),
        ],
    )?;
    Ok(changed > 0)
}

/// Returns accounts that are not deleted, with their roles, in the order of their ids from after
/// this id.
pub fn page(db: &mut dyn Db, after: &str, limit: i64) -> Result<Vec<AccountExport>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            accounts::columns!(),
            ", a.username_key, a.files_uploaded, a.upload_limit from accounts a \
             where a.id > $1 and a.deleted_at is null order by a.id limit $2"
        )),
        &[after.into(), limit.into()],
    )?;
    let mut page: Vec<AccountExport> =
        rows.into_iter().map(|mut row| read(&mut row)).collect::<Result<_>>()?;
    let Some(last) = page.last().map(|entry| entry.account.id.as_str().to_owned()) else {
        return Ok(page);
    };
    let rows = db.all(
        sql!("select account_id, role from account_roles where account_id > $1 and account_id <= $2 order by account_id, position, role"),
        &[after.into(), last.as_str().into()],
    )?;
    for identity in identities::of_accounts(db, after, &last)? {
        if let Ok(at) = page.binary_search_by(|entry| entry.account.id.cmp(&identity.account))
            && let Some(entry) = page.get_mut(at)
        {
            entry.identities.push(identity);
        }
    }
    for mut row in rows {
        let (id, role) = (AccountId::new(row.take::<String>()?), row.take()?);
        if let Ok(at) = page.binary_search_by(|entry| entry.account.id.cmp(&id))
            && let Some(entry) = page.get_mut(at)
        {
            entry.roles.push(role);
        }
    }
    Ok(page)
}

fn read(row: &mut Row) -> Result<AccountExport> {
    Ok(AccountExport {
        account: accounts::read(row)?,
        username_key: row.take()?,
        files_uploaded: row.take()?,
        upload_limit: row.take()?,
        roles: Vec::new(),
        identities: Vec::new(),
    })
}

/// Counts the accounts that are not deleted.
pub fn count(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select count(*) from accounts where deleted_at is null"), &[])?;
    row.map_or(Ok(0), |mut row| row.take())
}
