//! The `codes` table: one-time codes, one per account and purpose, stored as MACs.

use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePurpose {
    /// Logging in without a password.
    Login,
    /// Resetting the password.
    Reset,
    /// Completing a login, or confirming the caller's identity again.
    Factor,
    /// Confirming a factor that is being set up.
    Setup,
}

impl CodePurpose {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CodePurpose::Login => "login",
            CodePurpose::Reset => "reset",
            CodePurpose::Factor => "factor",
            CodePurpose::Setup => "setup",
        }
    }
}

/// A row of the `codes` table.
#[derive(Debug, Clone)]
pub struct Code {
    pub account: AccountId,
    pub purpose: CodePurpose,
    /// The MAC of the code.
    pub hash: [u8; 32],
    /// The account's credential version when the code was created.
    pub credential_version: i64,
    /// The normalised address or the phone number that the code was sent to.
    pub target: String,
    /// The factor that the code confirms.
    pub factor: Option<String>,
    pub expires_at: Time,
}

/// Stores a code and replaces the previous one.
pub fn replace(db: &mut dyn Db, new: &Code, now: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into codes (account_id, purpose, hash, credential_version, target, factor_id, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) \
             on conflict (account_id, purpose) do update set hash = excluded.hash, \
             credential_version = excluded.credential_version, target = excluded.target, \
             factor_id = excluded.factor_id, created_at = excluded.created_at, \
             expires_at = excluded.expires_at, spent_at = null"
        ),
        &[
            new.account.as_str().into(),
            new.purpose.as_str().into(),
            (&new.hash).into(),
            new.credential_version.into(),
            new.target.as_str().into(),
            new.factor.as_deref().into(),
            now.into(),
            new.expires_at.into(),
        ],
    )?;
    Ok(())
}

/// Where a correct code was sent to, and which factor it confirms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The normalised address or the phone number.
    pub target: String,
    pub factor: Option<String>,
}

fn read(row: Option<Row>) -> Result<Option<Match>> {
    row.map(|mut row| Ok(Match { target: row.take()?, factor: row.take()? })).transpose()
}

/// Checks whether a code is correct, not expired and of this credential version, without using it
/// up.
pub fn find(
    db: &mut dyn Db,
    account: &AccountId,
    purpose: CodePurpose,
    hash: &[u8; 32],
    credential_version: i64,
    now: Time,
) -> Result<Option<Match>> {
    read(db.first(
        sql!(
            "select target, factor_id from codes where account_id = $1 and purpose = $2 and hash = $3 \
             and credential_version = $4 and expires_at > $5 and spent_at is null"
        ),
        &[account.as_str().into(), purpose.as_str().into(), hash.into(), credential_version.into(), now.into()],
    )?)
}

/// Uses up a code. Returns `None` if it is wrong, expired, already used or of another credential
/// version.
pub fn spend(
    db: &mut dyn Db,
    account: &AccountId,
    purpose: CodePurpose,
    hash: &[u8; 32],
    credential_version: i64,
    now: Time,
) -> Result<Option<Match>> {
    read(db.first(
        sql!(
            "update codes set spent_at = $1 where account_id = $2 and purpose = $3 and hash = $4 \
             and credential_version = $5 and expires_at > $1 and spent_at is null returning target, factor_id"
        ),
        &[now.into(), account.as_str().into(), purpose.as_str().into(), hash.into(), credential_version.into()],
    )?)
}

/// Voids all codes of an account.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(sql!("delete from codes where account_id = $1"), &[account.as_str().into()])?;
    Ok(())
}

/// Deletes up to `limit` codes that expired long ago and returns how many it deleted.
pub fn purge(db: &mut dyn Db, died_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from codes where (account_id, purpose) in \
             (select account_id, purpose from codes where expires_at <= $1 limit $2)"
        ),
        &[died_before.into(), limit.into()],
    )
}
