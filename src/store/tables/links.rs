//! The `links` table: links sent by mail, stored as digests.

use crate::error::{Error, Result};
use crate::model::{Account, AccountId, Time};
use crate::sql;
use crate::store::db::Db;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Verifies an address.
    Verify,
    /// Admits the client IP that follows the link while password logins from unknown IPs are
    /// blocked.
    OpenLogin,
    /// Sets a new password.
    Reset,
    /// Makes the address that the link was mailed to the account's address.
    ConfirmEmail,
    /// Restores the address that the link was mailed to.
    UndoEmail,
}

impl LinkPurpose {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LinkPurpose::Verify => "verify",
            LinkPurpose::OpenLogin => "open_login",
            LinkPurpose::Reset => "reset",
            LinkPurpose::ConfirmEmail => "confirm_email",
            LinkPurpose::UndoEmail => "undo_email",
        }
    }
}

/// A row of the `links` table.
#[derive(Debug, Clone)]
pub struct Link {
    pub account: AccountId,
    /// Whether the account's credential version is still the one that the link was made for.
    pub is_current: bool,
    /// The address that the link was mailed to.
    pub email_key: String,
    /// The account's new address, as typed; present only for a change of address.
    pub address: Option<String>,
    pub created_at: Time,
    pub expires_at: Time,
    /// When the link was used.
    pub spent_at: Option<Time>,
    /// When the session began that requested the change which this link undoes.
    pub since: Option<Time>,
}

/// A link to store.
#[derive(Debug, Clone)]
pub struct NewLinkRow {
    pub account: AccountId,
    pub email_key: String,
    pub address: Option<String>,
    pub expires_at: Time,
    pub since: Option<Time>,
}

/// Stores a link for the account's present credential version.
pub fn insert(
    db: &mut dyn Db,
    hash: &[u8; 32],
    purpose: LinkPurpose,
    link: &NewLinkRow,
    now: Time,
) -> Result<()> {
    db.run(
        sql!(
            "insert into links (hash, purpose, account_id, credential_version, email_key, address, created_at, \
             expires_at, since) \
             values ($1, $2, $3, (select credential_version from accounts where id = $3), $4, $5, $6, $7, $8)"
        ),
        &[
            hash.into(),
            purpose.as_str().into(),
            link.account.as_str().into(),
            (&link.email_key).into(),
            link.address.as_deref().into(),
            now.into(),
            link.expires_at.into(),
            link.since.into(),
        ],
    )?;
    Ok(())
}

/// Finds the link of this purpose with this digest.
pub fn find(db: &mut dyn Db, hash: &[u8; 32], purpose: LinkPurpose) -> Result<Option<Link>> {
    let row = db.first(
        sql!(
            "select l.account_id, case when l.credential_version = a.credential_version then 1 else 0 end, \
             l.email_key, l.address, l.created_at, l.expires_at, l.spent_at, l.since \
             from links l join accounts a on a.id = l.account_id where l.hash = $1 and l.purpose = $2"
        ),
        &[hash.into(), purpose.as_str().into()],
    )?;
    row.map(|mut row| {
        Ok(Link {
            account: AccountId::new(row.take::<String>()?),
            is_current: row.take::<i64>()? != 0,
            email_key: row.take()?,
            address: row.take()?,
            created_at: row.take()?,
            expires_at: row.take()?,
            spent_at: row.take()?,
            since: row.take()?,
        })
    })
    .transpose()
}

/// Uses up a link. Returns false if it is already used or expired.
pub fn spend(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let spent = db.run(
        sql!("update links set spent_at = $1 where hash = $2 and spent_at is null and expires_at > $1"),
        &[now.into(), hash.into()],
    )?;
    Ok(spent == 1)
}

/// Expires a link permanently after it was refused as expired, even if the clock is set back later.
pub fn bury(db: &mut dyn Db, hash: &[u8; 32]) -> Result<()> {
    db.run(sql!("update links set expires_at = created_at where hash = $1"), &[hash.into()])?;
    Ok(())
}

/// Voids the links of an account for one purpose.
pub fn void(db: &mut dyn Db, account: &AccountId, purpose: LinkPurpose) -> Result<()> {
    db.run(
        sql!("delete from links where account_id = $1 and purpose = $2"),
        &[account.as_str().into(), purpose.as_str().into()],
    )?;
    Ok(())
}

/// Voids all links of an account when its address is verified, those that undo a change of address
/// included. Verification links stay: they only report from then on that it is verified.
pub fn void_unproved(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(
        sql!("delete from links where account_id = $1 and purpose <> $2"),
        &[account.as_str().into(), LinkPurpose::Verify.as_str().into()],
    )?;
    Ok(())
}

/// Voids all links of an account except those that undo a change of address. Otherwise an attacker
/// who took over the account could void them with a password change.
pub fn void_all(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(
        sql!("delete from links where account_id = $1 and purpose <> $2"),
        &[account.as_str().into(), LinkPurpose::UndoEmail.as_str().into()],
    )?;
    Ok(())
}

/// Voids the links that undo changes of address made after the one that this link undoes. Earlier
/// links stay valid: they restore addresses that the account had before.
pub fn void_later_undoing(db: &mut dyn Db, account: &AccountId, hash: &[u8; 32]) -> Result<()> {
    db.run(
        sql!(
            "delete from links where account_id = $1 and purpose = $2 and spent_at is null \
             and created_at >= (select created_at from links where hash = $3)"
        ),
        &[account.as_str().into(), LinkPurpose::UndoEmail.as_str().into(), hash.into()],
    )?;
    Ok(())
}

/// The links that restore an address of `account`, which has just given it up, work until `until`.
/// Until then the address is reserved for the account if it had proved it: an address that the
/// account only claimed is free at once for its owner.
pub fn prolong_undoing(db: &mut dyn Db, account: &Account, until: Time, now: Time) -> Result<()> {
    let Some(email_key) = account.email_key() else { return Ok(()) };
    let reserved_at = account.email_verified_at.map(|_| now);
    db.run(
        sql!(
            "update links set expires_at = $1, reserved_at = $2 where account_id = $3 and purpose = $4 \
             and email_key = $5 and spent_at is null and expires_at > $6"
        ),
        &[
            until.into(),
            reserved_at.into(),
            account.id.as_str().into(),
            LinkPurpose::UndoEmail.as_str().into(),
            email_key.into(),
            now.into(),
        ],
    )?;
    Ok(())
}

/// Finds the newest valid link that restores this address, and its digest.
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
        &[
            account.as_str().into(),
            LinkPurpose::UndoEmail.as_str().into(),
            email_key.into(),
            now.into(),
        ],
    )?;
    let Some(mut row) = row else { return Ok(None) };
    let hash: [u8; 32] = row
        .take::<Vec<u8>>()?
        .try_into()
        .map_err(|_| Error::internal("a digest is not 32 bytes long"))?;
    Ok(find(db, &hash, LinkPurpose::UndoEmail)?.map(|link| (hash, link)))
}

/// The addresses that a link can still give back to the account, other than its present one.
pub fn kept_addresses(db: &mut dyn Db, account: &AccountId, now: Time) -> Result<Vec<String>> {
    let rows = db.all(
        sql!(
            "select distinct l.address from links l join accounts a on a.id = l.account_id \
             where l.account_id = $1 and l.purpose = $2 and (a.email_key is null or l.email_key <> a.email_key) and l.address is not null \
             and l.spent_at is null and l.expires_at > $3 order by l.address"
        ),
        &[account.as_str().into(), LinkPurpose::UndoEmail.as_str().into(), now.into()],
    )?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// True while the address is reserved for an account other than `holder`, which may still restore
/// it.
pub fn is_address_kept(
    db: &mut dyn Db,
    email_key: &str,
    holder: &AccountId,
    now: Time,
) -> Result<bool> {
    // The purpose is a literal because the engine cannot match the partial index to a parameter.
    let row = db.first(
        sql!(
            "select 1 from links where email_key = $1 and purpose = 'undo_email' and account_id <> $2 \
             and reserved_at is not null and spent_at is null and expires_at > $3"
        ),
        &[email_key.into(), holder.as_str().into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// Deletes up to `limit` links that expired long ago and returns how many it deleted.
pub fn purge(db: &mut dyn Db, died_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from links where hash in (select hash from links where expires_at <= $1 limit $2)"),
        &[died_before.into(), limit.into()],
    )
}
