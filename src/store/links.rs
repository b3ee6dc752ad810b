//! The `links` table: links in mail, kept as digests.

use super::db::Db;
use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Proves an address.
    Verify,
    /// Lets the client address in that follows it, while the password is closed to strangers.
    OpenLogin,
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::OpenLogin => "open_login",
        }
    }
}

/// A link's row.
#[derive(Debug, Clone)]
pub struct Link {
    /// Whose account it is about.
    pub account: AccountId,
    /// The address it was mailed to.
    pub email_key: String,
    /// When it dies.
    pub expires_at: Time,
    /// When it was used up.
    pub spent_at: Option<Time>,
}

/// Stores a link.
///
/// # Errors
/// What the database says.
pub fn insert(db: &mut dyn Db, hash: &[u8; 32], purpose: Purpose, link: &Link, now: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into links (hash, purpose, account_id, email_key, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6)"
        ),
        &[
            hash.into(),
            purpose.as_str().into(),
            link.account.as_str().into(),
            (&link.email_key).into(),
            now.into(),
            link.expires_at.into(),
        ],
    )?;
    Ok(())
}

/// The link of this purpose behind a digest.
///
/// # Errors
/// What the database says.
pub fn find(db: &mut dyn Db, hash: &[u8; 32], purpose: Purpose) -> Result<Option<Link>> {
    let row = db.first(
        sql!("select account_id, email_key, expires_at, spent_at from links where hash = $1 and purpose = $2"),
        &[hash.into(), purpose.as_str().into()],
    )?;
    row.map(|mut row| {
        Ok(Link {
            account: AccountId::new(row.take::<String>()?),
            email_key: row.take()?,
            expires_at: row.take()?,
            spent_at: row.take()?,
        })
    })
    .transpose()
}

/// Uses a link up; false when somebody has, or it is too old.
///
/// # Errors
/// What the database says.
pub fn spend(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let spent = db.run(
        sql!("update links set spent_at = $1 where hash = $2 and spent_at is null and expires_at > $1"),
        &[now.into(), hash.into()],
    )?;
    Ok(spent == 1)
}

/// Lets a link that was refused for its age be dead for good, whatever the clock says later.
///
/// # Errors
/// What the database says.
pub fn bury(db: &mut dyn Db, hash: &[u8; 32]) -> Result<()> {
    db.run(sql!("update links set expires_at = created_at where hash = $1"), &[hash.into()])?;
    Ok(())
}

/// Voids all links of an account.
///
/// # Errors
/// What the database says.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(sql!("delete from links where account_id = $1"), &[account.as_str().into()])?;
    Ok(())
}

/// Forgets, a few at a time, links that died long ago; says how many.
///
/// # Errors
/// What the database says.
pub fn purge(db: &mut dyn Db, died_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from links where hash in (select hash from links where expires_at <= $1 limit $2)"),
        &[died_before.into(), limit.into()],
    )
}
