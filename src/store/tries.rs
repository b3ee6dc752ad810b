//! The `tries` table: what is counted against limits that must survive a restart.
//!
//! A row is locked first, then the rule is worked out by the caller, then the row is saved: two tries at once cannot
//! both be the last one that is allowed.

use super::db::Db;
use crate::error::{Error, Result};
use crate::model::Time;
use crate::sql;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Wrong passwords of a client address at an account name.
    Pair,
    /// Wrong passwords at an account name from wherever.
    Account,
    /// Failures that lock an account name.
    Lockout,
    /// Mails to an address that anybody can cause.
    MailTo,
    /// Mails from a client address that anybody can cause.
    MailFrom,
    /// Second factors shown for an account.
    Factor,
    /// Second factors shown for an account in a day from client addresses that never logged in to it.
    FactorDay,
    /// One-time codes shown from a client address that has earned tries.
    CodeEarned,
    /// One-time codes shown from all other client addresses together.
    CodeOthers,
    /// One-time codes shown in a day.
    CodeDay,
    /// A client address that has asked for a one-time code.
    CodeAsked,
    /// One-time codes mailed after a right first proof.
    CodeSent,
    /// Text messages to a number.
    SmsTo,
    /// Text messages of an account.
    SmsAccount,
    /// All text messages.
    SmsAll,
}

impl Scope {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Pair => "pair",
            Scope::Account => "account",
            Scope::Lockout => "lockout",
            Scope::MailTo => "mail_to",
            Scope::MailFrom => "mail_from",
            Scope::Factor => "factor",
            Scope::FactorDay => "factor_day",
            Scope::CodeEarned => "code_earned",
            Scope::CodeOthers => "code_others",
            Scope::CodeDay => "code_day",
            Scope::CodeAsked => "code_asked",
            Scope::CodeSent => "code_sent",
            Scope::SmsTo => "sms_to",
            Scope::SmsAccount => "sms_account",
            Scope::SmsAll => "sms_all",
        }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tries {
    /// How many in this window.
    pub count: i64,
    /// When the window began.
    pub started_at: Time,
    /// Until when everything is refused.
    pub blocked_until: Option<Time>,
    /// How often that has happened in a row.
    pub waits: i64,
    /// When the row means nothing any more.
    pub forget_at: Time,
}

impl Tries {
    /// What a row says when nothing is counted yet.
    #[must_use]
    pub fn none(now: Time) -> Self {
        Self { count: 0, started_at: now, blocked_until: None, waits: 0, forget_at: now }
    }

    /// The time that is left of a block.
    #[must_use]
    pub fn blocked_for(&self, now: Time) -> Option<std::time::Duration> {
        self.blocked_until.filter(|&until| until > now).map(|until| until.since(now))
    }
}

fn read(mut row: super::db::Row, now: Time) -> Result<Tries> {
    let tries = Tries {
        count: row.take()?,
        started_at: row.take()?,
        blocked_until: row.take()?,
        waits: row.take()?,
        forget_at: row.take()?,
    };
    Ok(if tries.forget_at <= now { Tries::none(now) } else { tries })
}

/// Locks the row for the rest of this write and reads it; one that has been forgotten reads as none.
///
/// # Errors
/// What the database says.
pub fn lock(db: &mut dyn Db, scope: Scope, key: &[u8; 32], now: Time) -> Result<Tries> {
    let row = db.first(
        sql!(
            "insert into tries (scope, key, count, started_at, waits, forget_at) values ($1, $2, 0, $3, 0, $3) \
             on conflict (scope, key) do update set count = tries.count \
             returning count, started_at, blocked_until, waits, forget_at"
        ),
        &[scope.as_str().into(), key.into(), now.into()],
    )?;
    read(row.ok_or_else(|| Error::internal("a locked row of tries was not returned"))?, now)
}

/// Reads the row without locking it.
///
/// # Errors
/// What the database says.
pub fn peek(db: &mut dyn Db, scope: Scope, key: &[u8; 32], now: Time) -> Result<Tries> {
    let row = db.first(
        sql!("select count, started_at, blocked_until, waits, forget_at from tries where scope = $1 and key = $2"),
        &[scope.as_str().into(), key.into()],
    )?;
    row.map_or_else(|| Ok(Tries::none(now)), |row| read(row, now))
}

/// Saves a locked row.
///
/// # Errors
/// What the database says.
pub fn save(db: &mut dyn Db, scope: Scope, key: &[u8; 32], tries: &Tries) -> Result<()> {
    db.run(
        sql!(
            "update tries set count = $1, started_at = $2, blocked_until = $3, waits = $4, forget_at = $5 \
             where scope = $6 and key = $7"
        ),
        &[
            tries.count.into(),
            tries.started_at.into(),
            tries.blocked_until.into(),
            tries.waits.into(),
            tries.forget_at.into(),
            scope.as_str().into(),
            key.into(),
        ],
    )?;
    Ok(())
}

/// Forgets the row; false when there was none.
///
/// # Errors
/// What the database says.
pub fn forget(db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<bool> {
    let gone = db.run(sql!("delete from tries where scope = $1 and key = $2"), &[scope.as_str().into(), key.into()])?;
    Ok(gone == 1)
}

/// Counts one in a fixed window; says how long to wait when there have been `most`.
///
/// # Errors
/// What the database says.
pub fn count(
    db: &mut dyn Db,
    scope: Scope,
    key: &[u8; 32],
    (most, window): (u32, std::time::Duration),
    now: Time,
) -> Result<Option<std::time::Duration>> {
    let row = lock(db, scope, key, now)?;
    if row.count >= i64::from(most) {
        return Ok(Some(row.forget_at.since(now)));
    }
    let next = Tries { count: row.count + 1, forget_at: row.started_at + window, ..row };
    save(db, scope, key, &next)?;
    Ok(None)
}

/// Takes one counted try back.
///
/// # Errors
/// What the database says.
pub fn give_back(db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<()> {
    db.run(
        sql!("update tries set count = count - 1 where scope = $1 and key = $2 and count > 0"),
        &[scope.as_str().into(), key.into()],
    )?;
    Ok(())
}

/// Forgets the row unless it blocks.
///
/// # Errors
/// What the database says.
pub fn forget_unblocked(db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<()> {
    db.run(
        sql!("delete from tries where scope = $1 and key = $2 and blocked_until is null"),
        &[scope.as_str().into(), key.into()],
    )?;
    Ok(())
}

/// Forgets, a few at a time, rows that mean nothing any more; says how many.
///
/// # Errors
/// What the database says.
pub fn purge(db: &mut dyn Db, now: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from tries where (scope, key) in (select scope, key from tries where forget_at <= $1 limit $2)"),
        &[now.into(), limit.into()],
    )
}
