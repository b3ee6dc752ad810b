//! The `challenges` table: logins that wait for a second factor, stored as digests of their tokens.

use crate::error::Result;
use crate::model::{AccountId, AuthMethods, ClientIp, Method, Time};
use crate::sql;
use crate::store::db::{Db, Row};

/// A row of the `challenges` table.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    pub account: AccountId,
    /// The account's credential version when the first factor was checked.
    pub credential_version: i64,
    /// How the first factor was proved.
    pub proved: AuthMethods,
    /// The methods that may complete the login.
    pub methods: Vec<Method>,
    /// False if the session ends with the browser.
    pub remember: bool,
    /// The bytes of the client IP that passed the first factor.
    pub client_ip: Vec<u8>,
    /// The number of wrong codes so far.
    pub attempts: i64,
    /// When the login began.
    pub created_at: Time,
    pub expires_at: Time,
    /// When the login was completed.
    pub spent_at: Option<Time>,
}

macro_rules! columns {
    () => {
        "hash, account_id, credential_version, proved, methods, remember, client_ip, attempts, created_at, expires_at, \
         spent_at"
    };
}

fn read(mut row: Row) -> Result<Challenge> {
    Ok(Challenge {
        hash: {
            let bytes: Vec<u8> = row.take()?;
            bytes.try_into().map_err(|_| {
                crate::error::Error::internal("challenges.hash is not a SHA-256 digest")
            })?
        },
        account: AccountId::new(row.take::<String>()?),
        credential_version: row.take()?,
        proved: AuthMethods::stored(row.take()?),
        methods: Method::split(&row.take::<String>()?),
        remember: row.take::<i64>()? != 0,
        client_ip: row.take()?,
        attempts: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        spent_at: row.take()?,
    })
}

/// Stores a challenge. Returns false if the account is not active or its credential version
/// changed.
pub fn insert(db: &mut dyn Db, new: &Challenge, client: ClientIp) -> Result<bool> {
    let stored = db.run(
        sql!(
            "insert into challenges (hash, account_id, credential_version, proved, methods, remember, client_ip, attempts, \
             created_at, expires_at) \
             select $1, a.id, a.credential_version, $2, $3, $4, $5, 0, $6, $7 from accounts a \
             where a.id = $8 and a.credential_version = $9 and a.suspended_at is null and a.deleted_at is null"
        ),
        &[
            (&new.hash).into(),
            new.proved.as_str().into(),
            Method::join(&new.methods).into(),
            i64::from(new.remember).into(),
            client.to_bytes().into(),
            new.created_at.into(),
            new.expires_at.into(),
            new.account.as_str().into(),
            new.credential_version.into(),
        ],
    )?;
    Ok(stored == 1)
}

/// Finds the challenge with this digest.
pub fn find(db: &mut dyn Db, hash: &[u8; 32]) -> Result<Option<Challenge>> {
    let row = db.first(
        sql!(concat!("select ", columns!(), " from challenges where hash = $1")),
        &[hash.into()],
    )?;
    row.map(read).transpose()
}

/// Finds the account's newest challenge created since `since` that is not completed.
pub fn find_newest(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<Option<Challenge>> {
    let row = db.first(
        sql!(concat!(
            "select ",
            columns!(),
            " from challenges where account_id = $1 and created_at > $2 and spent_at is null \
             order by created_at desc limit 1"
        )),
        &[account.as_str().into(), since.into()],
    )?;
    row.map(read).transpose()
}

/// Counts an attempt against a challenge. Returns false if the challenge has expired, is completed
/// or has no attempts left.
pub fn count_attempt(
    db: &mut dyn Db,
    hash: &[u8; 32],
    most: i64,
    made_since: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update challenges set attempts = attempts + 1 \
             where hash = $1 and attempts < $2 and created_at > $3 and spent_at is null"
        ),
        &[hash.into(), most.into(), made_since.into()],
    )?;
    Ok(changed == 1)
}

/// Completes a challenge. Returns false if another request has already completed it.
pub fn spend(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let spent = db.run(
        sql!("update challenges set spent_at = $1 where hash = $2 and spent_at is null"),
        &[now.into(), hash.into()],
    )?;
    Ok(spent == 1)
}

/// Deletes up to `limit` challenges that expired long ago and returns how many it deleted.
pub fn purge(db: &mut dyn Db, died_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from challenges where hash in (select hash from challenges where expires_at <= $1 limit $2)"),
        &[died_before.into(), limit.into()],
    )
}
