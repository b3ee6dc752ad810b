//! The `known_clients` table: which client addresses have logged in to which account.

use super::db::Db;
use crate::error::Result;
use crate::model::{AccountId, Client, Time};
use crate::sql;

/// Notes that a client address has logged in.
///
/// # Errors
/// What the database says.
pub fn note(db: &mut dyn Db, account: &AccountId, client: Client, now: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into known_clients (account_id, client, last_login_at) values ($1, $2, $3) \
             on conflict (account_id, client) do update set last_login_at = excluded.last_login_at"
        ),
        &[account.as_str().into(), client.to_bytes().into(), now.into()],
    )?;
    Ok(())
}

/// True when this client address has logged in since then.
///
/// # Errors
/// What the database says.
pub fn is_known(db: &mut dyn Db, account: &AccountId, client: Client, since: Time) -> Result<bool> {
    let row = db.first(
        sql!("select 1 from known_clients where account_id = $1 and client = $2 and last_login_at > $3"),
        &[account.as_str().into(), client.to_bytes().into(), since.into()],
    )?;
    Ok(row.is_some())
}

/// Forgets, a few at a time, what is too old to matter; says how many.
///
/// # Errors
/// What the database says.
pub fn purge(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from known_clients where (account_id, client) in \
             (select account_id, client from known_clients where last_login_at <= $1 limit $2)"
        ),
        &[before.into(), limit.into()],
    )
}
