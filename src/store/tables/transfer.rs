//! Accounts that move into or out of an instance: their numbers, what an import looks up, and what
//! an export reads.

use crate::error::{Error, Result};
use crate::model::{Account, AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row, Value};
use crate::store::tables::accounts;

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
    /// Sorted.
    pub roles: Vec<String>,
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
}

fn names(row: Option<Row>) -> Result<Option<Names>> {
    row.map(|mut row| {
        Ok(Names {
            id: AccountId::new(row.take::<String>()?),
            number: row.take()?,
            deleted_at: row.take()?,
        })
    })
    .transpose()
}

/// Finds the account with this address.
pub fn find_by_email(db: &mut dyn Db, email_key: &str) -> Result<Option<Names>> {
    let sql = sql!("select id, number, deleted_at from accounts where email_key = $1");
    names(db.first(sql, &[email_key.into()])?)
}

/// Finds the account with this text id.
pub fn find_by_id(db: &mut dyn Db, id: &AccountId) -> Result<Option<Names>> {
    names(db.first(
        sql!("select id, number, deleted_at from accounts where id = $1"),
        &[id.as_str().into()],
    )?)
}

/// Finds the account with this number.
pub fn find_by_number(db: &mut dyn Db, number: i64) -> Result<Option<Names>> {
    names(db.first(
        sql!("select id, number, deleted_at from accounts where number = $1"),
        &[number.into()],
    )?)
}

/// Returns accounts that are not deleted, with their roles, in the order of their ids from after
/// this id.
pub fn page(db: &mut dyn Db, after: &str, limit: i64) -> Result<Vec<AccountExport>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            accounts::columns!(),
            ", a.username_key, a.files_uploaded, a.upload_limit from accounts a \
             where a.id > $1 and a.deleted_at is null and a.email_key is not null order by a.id limit $2"
        )),
        &[after.into(), limit.into()],
    )?;
    let mut page: Vec<AccountExport> =
        rows.into_iter().map(|mut row| read(&mut row)).collect::<Result<_>>()?;
    let Some(last) = page.last().map(|entry| entry.account.id.as_str().to_owned()) else {
        return Ok(page);
    };
    let rows = db.all(
        sql!("select account_id, role from account_roles where account_id > $1 and account_id <= $2 order by account_id, role"),
        &[after.into(), Value::Text(last)],
    )?;
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
    })
}

/// Counts the accounts that are not deleted.
pub fn count(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select count(*) from accounts where deleted_at is null"), &[])?;
    row.map_or(Ok(0), |mut row| row.take())
}
