//! Whole accounts that move into or out of an instance: what an import writes and an export reads.

use crate::error::{Error, Result};
use crate::model::{Account, AccountId, Email, Time, text};
use crate::sql;
use crate::store::db::{Db, Row, Value};

/// Everything about an account that moves from one instance to another.
#[derive(Debug, Clone)]
pub struct Whole {
    pub id: AccountId,
    /// The numeric id; an import without one draws the next.
    pub number: Option<i64>,
    pub email: Email,
    pub email_verified_at: Option<Time>,
    pub username: Option<String>,
    pub username_key: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub name: Option<String>,
    pub company_name: Option<String>,
    pub phone: Option<String>,
    pub phone_verified_at: Option<Time>,
    pub password_hash: Option<String>,
    /// How many uploads count against the quota.
    pub files_uploaded: i64,
    /// The account's own upload quota, if it has one.
    pub upload_limit: Option<i64>,
    pub suspended_at: Option<Time>,
    pub last_login_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
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

/// Inserts an account with its roles under this number and handle. Returns false if its id, number, address or
/// user name is taken.
pub fn insert(
    db: &mut dyn Db,
    new: &Whole,
    (number, handle): (i64, &[u8; 32]),
    scheme: Option<&str>,
    now: Time,
) -> Result<bool> {
    let whole = Account::whole_name(
        new.name.as_deref(),
        new.first_name.as_deref(),
        new.last_name.as_deref(),
    );
    let inserted = db.run(
        sql!(
            "insert into accounts (id, number, handle, email, email_key, email_verified_at, username, username_key, \
             first_name, last_name, name, company_name, phone, phone_verified_at, password_hash, password_scheme, \
             credential_version, files_uploaded, upload_limit, suspended_at, last_login_at, created_at, updated_at, \
             imported_at, name_key, last_name_key) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $18, $19, $20, $21, \
             $22, $23, $24, $25) on conflict do nothing"
        ),
        &[
            new.id.as_str().into(),
            number.into(),
            handle.into(),
            new.email.as_str().into(),
            new.email.key().into(),
            new.email_verified_at.into(),
            new.username.as_deref().into(),
            new.username_key.as_deref().into(),
            new.first_name.as_deref().into(),
            new.last_name.as_deref().into(),
            new.name.as_deref().into(),
            new.company_name.as_deref().into(),
            new.phone.as_deref().into(),
            new.phone_verified_at.into(),
            new.password_hash.as_deref().into(),
            scheme.into(),
            new.files_uploaded.into(),
            new.upload_limit.into(),
            new.suspended_at.into(),
            new.last_login_at.into(),
            new.created_at.into(),
            new.updated_at.into(),
            now.into(),
            whole.as_deref().map(text::fold).into(),
            new.last_name.as_deref().map(text::fold).into(),
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    for role in &new.roles {
        crate::store::tables::roles::give(db, &new.id, role)?;
    }
    Ok(true)
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
pub fn page(db: &mut dyn Db, after: &str, limit: i64) -> Result<Vec<Whole>> {
    let rows = db.all(
        sql!(
            "select id, number, email, email_key, email_verified_at, username, username_key, first_name, last_name, name, \
             company_name, phone, phone_verified_at, password_hash, files_uploaded, upload_limit, suspended_at, \
             last_login_at, created_at, updated_at from accounts \
             where id > $1 and deleted_at is null and email_key is not null order by id limit $2"
        ),
        &[after.into(), limit.into()],
    )?;
    let mut page: Vec<Whole> =
        rows.into_iter().map(|mut row| read(&mut row)).collect::<Result<_>>()?;
    let Some(last) = page.last().map(|account| account.id.as_str().to_owned()) else {
        return Ok(page);
    };
    let rows = db.all(
        sql!("select account_id, role from account_roles where account_id > $1 and account_id <= $2 order by account_id, role"),
        &[after.into(), Value::Text(last)],
    )?;
    for mut row in rows {
        let (id, role) = (AccountId::new(row.take::<String>()?), row.take()?);
        if let Ok(at) = page.binary_search_by(|account| account.id.cmp(&id))
            && let Some(account) = page.get_mut(at)
        {
            account.roles.push(role);
        }
    }
    Ok(page)
}

fn read(row: &mut Row) -> Result<Whole> {
    Ok(Whole {
        id: AccountId::new(row.take::<String>()?),
        number: Some(row.take()?),
        email: {
            let typed: String = row.take()?;
            Email::stored(typed, row.take()?)
        },
        email_verified_at: row.take()?,
        username: row.take()?,
        username_key: row.take()?,
        first_name: row.take()?,
        last_name: row.take()?,
        name: row.take()?,
        company_name: row.take()?,
        phone: row.take()?,
        phone_verified_at: row.take()?,
        password_hash: row.take()?,
        files_uploaded: row.take()?,
        upload_limit: row.take()?,
        suspended_at: row.take()?,
        last_login_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        roles: Vec::new(),
    })
}

/// Counts the accounts that are not deleted.
pub fn count(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select count(*) from accounts where deleted_at is null"), &[])?;
    row.map_or(Ok(0), |mut row| row.take())
}
