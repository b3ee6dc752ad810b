//! The tables `known_traits` and `alarms`: what an account has been used from, and the links that end a strange login.

use super::db::Db;
use crate::error::Result;
use crate::model::{AccountId, SessionId, Time};
use crate::sql;

/// Notes that an account was used with this trait; false when it had been before.
///
/// # Errors
/// What the database says.
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

/// Forgets, a few at a time, what has not been seen for long; says how many.
///
/// # Errors
/// What the database says.
pub fn purge_traits(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from known_traits where (account_id, trait) in \
             (select account_id, trait from known_traits where last_login_at <= $1 limit $2)"
        ),
        &[before.into(), limit.into()],
    )
}

/// The login that a new-device mail speaks of.
#[derive(Debug, Clone)]
pub struct Alarm {
    /// Whose account it is.
    pub account: AccountId,
    /// The address that the mail went to.
    pub email_key: String,
    /// What the login began.
    pub session: SessionId,
}

/// Stores the link of a new-device mail.
///
/// # Errors
/// What the database says.
pub fn insert_alarm(db: &mut dyn Db, hash: &[u8; 32], alarm: &Alarm, until: Time) -> Result<()> {
    let Alarm { account, email_key, session } = alarm;
    db.run(
        sql!("insert into alarms (hash, account_id, email_key, session_id, expires_at) values ($1, $2, $3, $4, $5)"),
        &[hash.into(), account.as_str().into(), email_key.into(), session.as_str().into(), until.into()],
    )?;
    Ok(())
}

/// The login that a link speaks of, whether it is spent or not.
///
/// # Errors
/// What the database says.
pub fn find_alarm(db: &mut dyn Db, hash: &[u8; 32]) -> Result<Option<Alarm>> {
    let row = db.first(sql!("select account_id, email_key, session_id from alarms where hash = $1"), &[hash.into()])?;
    row.map(|mut row| {
        Ok(Alarm {
            account: AccountId::new(row.take::<String>()?),
            email_key: row.take()?,
            session: SessionId::new(row.take::<String>()?),
        })
    })
    .transpose()
}

/// Whether a link can still be used.
///
/// # Errors
/// What the database says.
pub fn is_alarm_live(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let row = db.first(
        sql!("select 1 from alarms where hash = $1 and spent_at is null and expires_at > $2"),
        &[hash.into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// Uses a link up; false when it is spent or too old.
///
/// # Errors
/// What the database says.
pub fn spend_alarm(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<bool> {
    let spent = db.run(
        sql!("update alarms set spent_at = $1 where hash = $2 and spent_at is null and expires_at > $1"),
        &[now.into(), hash.into()],
    )?;
    Ok(spent == 1)
}

/// Voids the unused links of an account.
///
/// # Errors
/// What the database says.
pub fn void_alarms(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(sql!("delete from alarms where account_id = $1 and spent_at is null"), &[account.as_str().into()])?;
    Ok(())
}

/// Forgets, a few at a time, links that died long ago; says how many.
///
/// # Errors
/// What the database says.
pub fn purge_alarms(db: &mut dyn Db, died_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from alarms where hash in (select hash from alarms where expires_at <= $1 limit $2)"),
        &[died_before.into(), limit.into()],
    )
}
