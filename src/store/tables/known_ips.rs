//! The `known_ips` table: the client IPs that have logged in to each account.

use crate::error::Result;
use crate::model::{AccountId, ClientIp, Time};
use crate::sql;
use crate::store::db::Db;

/// Records a login from a client IP.
pub fn note(db: &mut dyn Db, account: &AccountId, client: ClientIp, now: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into known_ips (account_id, client_ip, last_login_at) values ($1, $2, $3) \
             on conflict (account_id, client_ip) do update set last_login_at = excluded.last_login_at"
        ),
        &[account.as_str().into(), client.to_bytes().into(), now.into()],
    )?;
    Ok(())
}

/// True if this client IP has logged in to the account since `since`.
pub fn is_known(
    db: &mut dyn Db,
    account: &AccountId,
    client: ClientIp,
    since: Time,
) -> Result<bool> {
    let row = db.first(
        sql!("select 1 from known_ips where account_id = $1 and client_ip = $2 and last_login_at > $3"),
        &[account.as_str().into(), client.to_bytes().into(), since.into()],
    )?;
    Ok(row.is_some())
}

/// Forgets the client IPs that have logged in to the account since this time.
pub fn forget(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<()> {
    db.run(
        sql!("delete from known_ips where account_id = $1 and last_login_at >= $2"),
        &[account.as_str().into(), since.into()],
    )?;
    Ok(())
}

/// Deletes up to `limit` entries older than `before` and returns how many it deleted.
pub fn purge(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from known_ips where (account_id, client_ip) in \
             (select account_id, client_ip from known_ips where last_login_at <= $1 limit $2)"
        ),
        &[before.into(), limit.into()],
    )
}
