//! The tables `known_traits` and `login_alerts`: the devices and countries an account was used from, and
//! the links that end an unfamiliar login.

use crate::error::Result;
use crate::model::{AccountId, SessionId, Time};
use crate::sql;
use crate::store::db::Db;

/// Records that the account was used with this trait. Returns false if the trait was already known.
pub fn note_trait(db: &mut dyn Db, account: &AccountId, word: &str, now: Time) -> Result<bool> {
    let values = [account.as_str().into(), word.into(), now.into()];
    let added = db.run(
        sql!(
            "insert into known_traits (account_id, trait, last_login_at) values ($1, $2, $3) \
             on conflict (account_id, trait) do nothing"
        ),
        &values,
    )?;
    if added == 0 {
        db.run(
            sql!("update known_traits set last_login_at = $1 where account_id = $2 and trait = $3"),
            &[now.into(), account.as_str().into(), word.into()],
        )?;
    }
    Ok(added == 1)
}

/// Forgets the traits that the account was used with since this time.
pub fn forget_traits(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<()> {
    db.run(
        sql!("delete from known_traits where account_id = $1 and last_login_at >= $2"),
        &[account.as_str().into(), since.into()],
    )?;
    Ok(())
}

/// Deletes up to `limit` traits not seen since `before` and returns how many it deleted.
pub fn purge_traits(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from known_traits where (account_id, trait) in \
             (select account_id, trait from known_traits where last_login_at <= $1 limit $2)"
        ),
        &[before.into(), limit.into()],
    )
}

/// What a mail is about that its owner can report as not theirs.
#[derive(Debug, Clone)]
pub struct LoginAlert {
    pub account: AccountId,
    /// The address that the mail was sent to.
    pub email_key: String,
    /// The session that did it; `None`: a login did, before it had one. It is empty in the table.
    pub session: Option<SessionId>,
    /// When its login began.
    pub since: Time,
    pub expires_at: Time,
}

/// Stores the link of such a mail.
pub fn insert_alert(db: &mut dyn Db, hash: &[u8; 32], alert: &LoginAlert) -> Result<()> {
    let LoginAlert { account, email_key, session, since, expires_at } = alert;
    db.run(
        sql!(
            "insert into login_alerts (hash, account_id, email_key, session_id, since, expires_at) \
             values ($1, $2, $3, $4, $5, $6)"
        ),
        &[
            hash.into(),
            account.as_str().into(),
            email_key.into(),
            session.as_ref().map_or("", SessionId::as_str).into(),
            (*since).into(),
            (*expires_at).into(),
        ],
    )?;
    Ok(())
}

/// Finds the login of a link, even if the link is used or expired.
pub fn find_alert(db: &mut dyn Db, hash: &[u8; 32]) -> Result<Option<LoginAlert>> {
    let row = db.first(
        sql!(
            "select account_id, email_key, session_id, since, expires_at from login_alerts where hash = $1"
        ),
        &[hash.into()],
    )?;
    row.map(|mut row| {
        Ok(LoginAlert {
            account: AccountId::new(row.take::<String>()?),
            email_key: row.take()?,
            session: Some(row.take::<String>()?).filter(|id| !id.is_empty()).map(SessionId::new),
            since: row.take()?,
            expires_at: row.take()?,
        })
    })
    .transpose()
}

/// Whether a link can still be used.
pub fn is_alert_live(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let row = db.first(
        sql!("select 1 from login_alerts where hash = $1 and spent_at is null and expires_at > $2"),
        &[hash.into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// Uses up a link. Returns false if it is already used or expired.
pub fn spend_alert(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let spent = db.run(
        sql!("update login_alerts set spent_at = $1 where hash = $2 and spent_at is null and expires_at > $1"),
        &[now.into(), hash.into()],
    )?;
    Ok(spent == 1)
}

/// Voids the unused links of an account.
pub fn void_alerts(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(
        sql!("delete from login_alerts where account_id = $1 and spent_at is null"),
        &[account.as_str().into()],
    )?;
    Ok(())
}

/// Voids the unused links of an account about what was done since this time. An older one, about a
/// session that began before, still takes back what that session added.
pub fn void_alerts_since(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<()> {
    db.run(
        sql!(
            "delete from login_alerts where account_id = $1 and spent_at is null \
             and (since is null or since >= $2)"
        ),
        &[account.as_str().into(), since.into()],
    )?;
    Ok(())
}

/// Counts the links of an account that expire after this time, without the first of each session, which
/// may be about its login, and without the first of those that no session made.
pub fn count_additions(db: &mut dyn Db, account: &AccountId, expire_after: Time) -> Result<i64> {
    let row = db.first(
        sql!(
            "select count(*) - count(distinct session_id) from login_alerts \
             where account_id = $1 and expires_at > $2"
        ),
        &[account.as_str().into(), expire_after.into()],
    )?;
    row.map_or(Ok(0), |mut row| row.take())
}

/// Deletes up to `limit` links that expired long ago and returns how many it deleted.
pub fn purge_alerts(db: &mut dyn Db, died_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from login_alerts where hash in (select hash from login_alerts where expires_at <= $1 limit $2)"),
        &[died_before.into(), limit.into()],
    )
}
