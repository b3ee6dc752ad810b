//! The `identity_tokens` table: tokens that providers issued, where the operator keeps them. They are
//! read for one identity alone, never with a list, and stay sealed here.

use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row};

/// The tokens of an identity, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTokens {
    /// The name of the provider that issued them.
    pub provider: String,
    /// A digest of its issuer and of the client that they were issued to.
    pub client: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// Keeps tokens in place of those of an earlier login. They are not refreshed before a time.
pub fn keep(
    db: &mut dyn Db,
    identity: &str,
    new: &KeptTokens,
    refresh_after: Option<Time>,
) -> Result<()> {
    db.run(
        sql!(
            "insert into identity_tokens (identity_id, provider, client, sealed, refresh_after) \
             values ($1, $2, $3, $4, $5) \
             on conflict (identity_id) do update set provider = excluded.provider, \
             client = excluded.client, sealed = excluded.sealed, \
             refresh_after = excluded.refresh_after"
        ),
        &[
            identity.into(),
            new.provider.as_str().into(),
            new.client.as_slice().into(),
            new.sealed.as_slice().into(),
            refresh_after.into(),
        ],
    )
    .map(drop)
}

/// The tokens of an identity.
pub fn find(db: &mut dyn Db, identity: &str) -> Result<Option<KeptTokens>> {
    let row = db.first(
        sql!("select provider, client, sealed from identity_tokens where identity_id = $1"),
        &[identity.into()],
    )?;
    let read = |mut row: Row| {
        Ok(KeptTokens { provider: row.take()?, client: row.take()?, sealed: row.take()? })
    };
    row.map(read).transpose()
}

/// Reserves the refresh of these tokens until a time. Returns false if they are others by now or new,
/// or if another refresh of them runs or failed a moment ago.
pub fn reserve(
    db: &mut dyn Db,
    identity: &str,
    sealed: &[u8],
    now: Time,
    until: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update identity_tokens set refresh_after = $1 where identity_id = $2 and sealed = $3 \
             and (refresh_after is null or refresh_after <= $4)"
        ),
        &[until.into(), identity.into(), sealed.into(), now.into()],
    )?;
    Ok(changed == 1)
}

/// Puts the next refresh of these tokens off until a time.
pub fn postpone(db: &mut dyn Db, identity: &str, sealed: &[u8], until: Time) -> Result<()> {
    db.run(
        sql!(
            "update identity_tokens set refresh_after = $1 where identity_id = $2 and sealed = $3"
        ),
        &[until.into(), identity.into(), sealed.into()],
    )
    .map(drop)
}

/// Replaces these tokens by others of the same client, which are not refreshed before a time. Returns
/// false if they are others by now.
pub fn replace(
    db: &mut dyn Db,
    identity: &str,
    sealed: &[u8],
    new: &[u8],
    refresh_after: Option<Time>,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update identity_tokens set sealed = $1, refresh_after = $2 \
             where identity_id = $3 and sealed = $4"
        ),
        &[new.into(), refresh_after.into(), identity.into(), sealed.into()],
    )?;
    Ok(changed == 1)
}

/// Deletes these tokens. Returns false if they are others by now.
pub fn remove(db: &mut dyn Db, identity: &str, sealed: &[u8]) -> Result<bool> {
    let removed = db.run(
        sql!("delete from identity_tokens where identity_id = $1 and sealed = $2"),
        &[identity.into(), sealed.into()],
    )?;
    Ok(removed == 1)
}

/// Deletes the tokens of an identity.
pub fn remove_of_identity(db: &mut dyn Db, identity: &str) -> Result<()> {
    db.run(sql!("delete from identity_tokens where identity_id = $1"), &[identity.into()]).map(drop)
}

/// Deletes the tokens of all identities of an account.
pub fn remove_of_account(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(
        sql!(
            "delete from identity_tokens where identity_id in \
             (select id from identities where account_id = $1)"
        ),
        &[account.as_str().into()],
    )
    .map(drop)
}

/// Deletes the tokens of up to `limit` identities from a provider, and returns how many it deleted.
pub fn remove_of_provider(db: &mut dyn Db, provider: &str, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from identity_tokens where identity_id in \
             (select identity_id from identity_tokens where provider = $1 limit $2)"
        ),
        &[provider.into(), limit.into()],
    )
}

/// Deletes the tokens of up to `limit` identities that this client of a provider got, and returns how
/// many it deleted.
pub fn remove_of_client(db: &mut dyn Db, provider: &str, client: &[u8], limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from identity_tokens where identity_id in \
             (select identity_id from identity_tokens where provider = $1 and client = $2 limit $3)"
        ),
        &[provider.into(), client.into(), limit.into()],
    )
}

/// The providers whose tokens are kept, each with the digest of a client. They are few, so each is found
/// by the index, without the rows between.
pub fn clients(db: &mut dyn Db) -> Result<Vec<(String, Vec<u8>)>> {
    let mut clients = Vec::new();
    let mut last = (String::new(), Vec::new());
    loop {
        let next = db.first(
            sql!(
                "select provider, client from identity_tokens where (provider, client) > ($1, $2) \
                 order by provider, client limit 1"
            ),
            &[last.0.as_str().into(), last.1.as_slice().into()],
        )?;
        let Some(mut row) = next else { return Ok(clients) };
        last = (row.take()?, row.take()?);
        clients.push(last.clone());
    }
}

/// Deletes all tokens, and returns of how many identities they were.
pub fn clear(db: &mut dyn Db) -> Result<u64> {
    db.run(sql!("delete from identity_tokens"), &[])
}
