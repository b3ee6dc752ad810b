//! The `identities` table: accounts at providers, connected to accounts here.

use crate::error::Result;
use crate::model::identity::Identity;
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row};

macro_rules! columns {
    () => {
        "id, account_id, provider, issuer, subject, email, name, created_at, last_used_at"
    };
}

fn read(mut row: Row) -> Result<Identity> {
    Ok(Identity {
        id: row.take()?,
        account: AccountId::new(row.take::<String>()?),
        provider: row.take()?,
        issuer: row.take()?,
        subject: row.take()?,
        email: row.take()?,
        name: row.take()?,
        created_at: row.take()?,
        last_used_at: row.take()?,
    })
}

/// Stores an identity. Returns false if its account at the provider is connected already.
pub fn insert(db: &mut dyn Db, new: &Identity) -> Result<bool> {
    let stored = db.run(
        sql!(
            "insert into identities (id, account_id, provider, issuer, subject, email, name, created_at, last_used_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (issuer, subject) do nothing"
        ),
        &[
            new.id.as_str().into(),
            new.account.as_str().into(),
            new.provider.as_str().into(),
            new.issuer.as_str().into(),
            new.subject.as_str().into(),
            new.email.as_deref().into(),
            new.name.as_deref().into(),
            new.created_at.into(),
            new.last_used_at.into(),
        ],
    )?;
    Ok(stored == 1)
}

/// Finds an identity by its key.
pub fn find(db: &mut dyn Db, issuer: &str, subject: &str) -> Result<Option<Identity>> {
    let row = db.first(
        sql!(concat!("select ", columns!(), " from identities where issuer = $1 and subject = $2")),
        &[issuer.into(), subject.into()],
    )?;
    row.map(read).transpose()
}

/// Lists the identities of an account, oldest first.
pub fn of(db: &mut dyn Db, account: &AccountId) -> Result<Vec<Identity>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from identities where account_id = $1 order by created_at, id"
        )),
        &[account.as_str().into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Lists the identities of the accounts from after one ID up to another, by account, oldest first.
pub fn of_accounts(db: &mut dyn Db, after: &str, last: &str) -> Result<Vec<Identity>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from identities where account_id > $1 and account_id <= $2 \
             order by account_id, created_at, id"
        )),
        &[after.into(), last.into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Records that an identity was used, and what the provider states now. Returns false if it is gone.
pub fn note_use(db: &mut dyn Db, used: &Identity, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update identities set email = $1, name = $2, last_used_at = $3 where id = $4 and account_id = $5"
        ),
        &[
            used.email.as_deref().into(),
            used.name.as_deref().into(),
            now.into(),
            used.id.as_str().into(),
            used.account.as_str().into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Deletes an identity. Returns it, or `None` if the account has no such identity.
pub fn remove(db: &mut dyn Db, account: &AccountId, id: &str) -> Result<Option<Identity>> {
    let row = db.first(
        sql!(concat!(
            "delete from identities where id = $1 and account_id = $2 returning ",
            columns!()
        )),
        &[id.into(), account.as_str().into()],
    )?;
    row.map(read).transpose()
}

/// Deletes the identities of an account that were connected at or after this time, and returns them.
pub fn remove_since(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<Vec<Identity>> {
    let rows = db.all(
        sql!(concat!(
            "delete from identities where account_id = $1 and created_at >= $2 returning ",
            columns!()
        )),
        &[account.as_str().into(), since.into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Counts the identities that were connected by the provider with this name.
pub fn count_of_provider(db: &mut dyn Db, provider: &str) -> Result<i64> {
    let row =
        db.first(sql!("select count(*) from identities where provider = $1"), &[provider.into()])?;
    row.map_or(Ok(0), |mut row| row.take())
}
