//! The `links` table: links in mail, kept as digests.

use super::db::Db;
use crate::error::{Error, Result};
use crate::model::{AccountId, Time};
use crate::sql;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Proves an address.
    Verify,
    /// Lets the client address in that follows it, while the password is closed to strangers.
    OpenLogin,
    /// Sets a new password.
    Reset,
    /// Makes the address that it was mailed to the account's own.
    ConfirmEmail,
    /// Gives the account back the address that it was mailed to.
    UndoEmail,
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::OpenLogin => "open_login",
            Purpose::Reset => "reset",
            Purpose::ConfirmEmail => "confirm_email",
            Purpose::UndoEmail => "undo_email",
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
    /// The address that it makes the account's own, as typed; only changes of address have one.
    pub address: Option<String>,
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
            "insert into links (hash, purpose, account_id, email_key, address, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7)"
        ),
        &[
            hash.into(),
            purpose.as_str().into(),
            link.account.as_str().into(),
            (&link.email_key).into(),
            link.address.as_deref().into(),
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
        sql!("select account_id, email_key, address, expires_at, spent_at from links where hash = $1 and purpose = $2"),
        &[hash.into(), purpose.as_str().into()],
    )?;
    row.map(|mut row| {
        Ok(Link {
            account: AccountId::new(row.take::<String>()?),
            email_key: row.take()?,
            address: row.take()?,
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

/// Voids the links of an account for one purpose.
///
/// # Errors
/// What the database says.
pub fn void(db: &mut dyn Db, account: &AccountId, purpose: Purpose) -> Result<()> {
    db.run(
        sql!("delete from links where account_id = $1 and purpose = $2"),
        &[account.as_str().into(), purpose.as_str().into()],
    )?;
    Ok(())
}

/// Voids all links of an account but those that undo a change of address: whoever took an account over could otherwise
/// be rid of them by a change of password.
///
/// # Errors
/// What the database says.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(
        sql!("delete from links where account_id = $1 and purpose <> $2"),
        &[account.as_str().into(), Purpose::UndoEmail.as_str().into()],
    )?;
    Ok(())
}

/// Voids the links that undo changes of address made after the one that this link undoes. Earlier ones stay: they lead
/// back to addresses that the account had before.
///
/// # Errors
/// What the database says.
pub fn void_later_undoing(db: &mut dyn Db, account: &AccountId, hash: &[u8; 32]) -> Result<()> {
    db.run(
        sql!(
            "delete from links where account_id = $1 and purpose = $2 and spent_at is null \
             and created_at >= (select created_at from links where hash = $3)"
        ),
        &[account.as_str().into(), Purpose::UndoEmail.as_str().into(), hash.into()],
    )?;
    Ok(())
}

/// Lets the links that lead back to this address live until then.
///
/// # Errors
/// What the database says.
pub fn prolong_undoing(db: &mut dyn Db, account: &AccountId, email_key: &str, until: Time, now: Time) -> Result<()> {
    db.run(
        sql!(
            "update links set expires_at = $1 where account_id = $2 and purpose = $3 and email_key = $4 \
             and spent_at is null and expires_at > $5"
        ),
        &[until.into(), account.as_str().into(), Purpose::UndoEmail.as_str().into(), email_key.into(), now.into()],
    )?;
    Ok(())
}

/// The newest link that still gives the account this address back, and its digest.
///
/// # Errors
/// What the database says.
pub fn find_undoing(
    db: &mut dyn Db,
    account: &AccountId,
    email_key: &str,
    now: Time,
) -> Result<Option<([u8; 32], Link)>> {
    let row = db.first(
        sql!(
            "select hash from links where account_id = $1 and purpose = $2 and email_key = $3 \
             and spent_at is null and expires_at > $4 order by created_at desc limit 1"
        ),
        &[account.as_str().into(), Purpose::UndoEmail.as_str().into(), email_key.into(), now.into()],
    )?;
    let Some(mut row) = row else { return Ok(None) };
    let hash: [u8; 32] =
        row.take::<Vec<u8>>()?.try_into().map_err(|_| Error::internal("a digest is not 32 bytes long"))?;
    Ok(find(db, &hash, Purpose::UndoEmail)?.map(|link| (hash, link)))
}

/// True while an address is kept for an account other than `holder`, which may still take it back.
///
/// # Errors
/// What the database says.
pub fn is_address_kept(db: &mut dyn Db, email_key: &str, holder: &AccountId, now: Time) -> Result<bool> {
    // The word stands in the text: the partial index serves no parameter.
    let row = db.first(
        sql!(
            "select 1 from links where email_key = $1 and purpose = 'undo_email' and account_id <> $2 \
             and spent_at is null and expires_at > $3"
        ),
        &[email_key.into(), holder.as_str().into(), now.into()],
    )?;
    Ok(row.is_some())
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
