//! The `attempts` table: attempt counters that must survive a restart.
//!
//! The caller locks a row, applies its rule, and saves the row. So of two concurrent attempts, only
//! one can be the last that is allowed.

use crate::error::{Error, Result};
use crate::model::Time;
use crate::sql;
use crate::store::db::Db;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Wrong passwords from one client IP for one account name.
    Pair,
    /// Wrong passwords for one account name from all client IPs together.
    Account,
    /// Failures that lock an account name.
    Lockout,
    /// How often the throttle was lifted for an account name, from all client IPs at once.
    Lifts,
    /// Mail that unauthenticated callers can trigger, per recipient address.
    MailTo,
    /// Mail that unauthenticated callers can trigger, per client IP.
    MailFrom,
    /// Failed logins from one client IP, at one account name, and in all.
    Burst,
    /// Second factors submitted for an account.
    Factor,
    /// Second factors submitted for an account per day: from a client IP that has logged in to it,
    /// from a session, or from all other client IPs together.
    FactorDay,
    /// Wrong second factors at an account since the last right one.
    FactorRow,
    /// Mails about refused second factors.
    FactorMail,
    /// One-time codes submitted from a client IP that requested a code or passed the first factor.
    CodeEarned,
    /// One-time codes submitted from all other client IPs together.
    CodeOthers,
    /// One-time codes submitted per day: from a client IP that has logged in to the account, or
    /// from all others together.
    CodeDay,
    /// A client IP that has requested a one-time code.
    CodeAsked,
    /// One-time codes mailed after a correct first factor.
    CodeSent,
    /// Text messages to one number.
    SmsTo,
    /// Text messages of one account.
    SmsAccount,
    /// All text messages.
    SmsAll,
    /// Text messages that set up factors: all of them, and those of each client IP.
    SmsSetup,
    /// An unverified address whose sign-ups gave different passwords.
    SignUps,
    /// A passkey challenge that was answered.
    PasskeyChallenge,
    /// A login at a provider that was completed, and attempts to type its code.
    ProviderFlow,
    /// Events of one kind that are reported to the operator.
    Alert,
    /// Calls under a limit that several servers count together.
    Calls,
    /// A token of the command line that a server was asked with.
    Operator,
}

impl Scope {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Pair => "pair",
            Scope::Account => "account",
            Scope::Lockout => "lockout",
            Scope::Lifts => "lifts",
            Scope::MailTo => "mail_to",
            Scope::MailFrom => "mail_from",
            Scope::Burst => "burst",
            Scope::Factor => "factor",
            Scope::FactorDay => "factor_day",
            Scope::FactorRow => "factor_row",
            Scope::FactorMail => "factor_mail",
            Scope::CodeEarned => "code_earned",
            Scope::CodeOthers => "code_others",
            Scope::CodeDay => "code_day",
            Scope::CodeAsked => "code_asked",
            Scope::CodeSent => "code_sent",
            Scope::SmsTo => "sms_to",
            Scope::SmsAccount => "sms_account",
            Scope::SmsAll => "sms_all",
            Scope::SmsSetup => "sms_setup",
            Scope::SignUps => "sign_ups",
            Scope::PasskeyChallenge => "passkey_challenge",
            Scope::ProviderFlow => "provider_flow",
            Scope::Alert => "alert",
            Scope::Calls => "calls",
            Scope::Operator => "operator",
        }
    }
}

/// The attempt counter of one scope and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// The number of attempts in this window.
    pub count: i64,
    /// When the window started.
    pub started_at: Time,
    /// Until when all attempts are refused.
    pub blocked_until: Option<Time>,
    /// How often the key was blocked in a row.
    pub block_count: i64,
    /// When the row expires.
    pub expires_at: Time,
}

impl AttemptRow {
    /// A counter without any attempts.
    #[must_use]
    pub fn none(now: Time) -> Self {
        Self { count: 0, started_at: now, blocked_until: None, block_count: 0, expires_at: now }
    }

    /// The remaining time of a block.
    #[must_use]
    pub fn blocked_for(&self, now: Time) -> Option<std::time::Duration> {
        self.blocked_until.filter(|&until| until > now).map(|until| until.since(now))
    }
}

fn read(mut row: crate::store::db::Row, now: Time) -> Result<AttemptRow> {
    let attempt = AttemptRow {
        count: row.take()?,
        started_at: row.take()?,
        blocked_until: row.take()?,
        block_count: row.take()?,
        expires_at: row.take()?,
    };
    Ok(if attempt.expires_at <= now { AttemptRow::none(now) } else { attempt })
}

/// Locks the row for the rest of this write and reads it. An expired row reads as an empty counter.
pub fn lock(db: &mut dyn Db, scope: Scope, key: &[u8; 32], now: Time) -> Result<AttemptRow> {
    let row = db.first(
        sql!(
            "insert into attempts (scope, key, count, started_at, block_count, expires_at) values ($1, $2, 0, $3, 0, $3) \
             on conflict (scope, key) do update set count = attempts.count \
             returning count, started_at, blocked_until, block_count, expires_at"
        ),
        &[scope.as_str().into(), key.into(), now.into()],
    )?;
    read(row.ok_or_else(|| Error::internal("locking a row of attempts returned no row"))?, now)
}

/// Reads the row without locking it.
pub fn peek(db: &mut dyn Db, scope: Scope, key: &[u8; 32], now: Time) -> Result<AttemptRow> {
    let row = db.first(
        sql!("select count, started_at, blocked_until, block_count, expires_at from attempts where scope = $1 and key = $2"),
        &[scope.as_str().into(), key.into()],
    )?;
    row.map_or_else(|| Ok(AttemptRow::none(now)), |row| read(row, now))
}

/// Saves a locked row.
pub fn save(db: &mut dyn Db, scope: Scope, key: &[u8; 32], row: &AttemptRow) -> Result<()> {
    db.run(
        sql!(
            "update attempts set count = $1, started_at = $2, blocked_until = $3, block_count = $4, expires_at = $5 \
             where scope = $6 and key = $7"
        ),
        &[
            row.count.into(),
            row.started_at.into(),
            row.blocked_until.into(),
            row.block_count.into(),
            row.expires_at.into(),
            scope.as_str().into(),
            key.into(),
        ],
    )?;
    Ok(())
}

/// Deletes the row. Returns false if there was none.
pub fn forget(db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<bool> {
    let gone = db.run(
        sql!("delete from attempts where scope = $1 and key = $2"),
        &[scope.as_str().into(), key.into()],
    )?;
    Ok(gone == 1)
}

/// Counts one attempt in a fixed window. If the limit `most` is reached, returns how long to wait
/// instead.
pub fn count(
    db: &mut dyn Db,
    scope: Scope,
    key: &[u8; 32],
    (most, window): (u32, std::time::Duration),
    now: Time,
) -> Result<Option<std::time::Duration>> {
    let row = lock(db, scope, key, now)?;
    if row.count >= i64::from(most) {
        return Ok(Some(row.expires_at.since(now)));
    }
    let next = AttemptRow { count: row.count + 1, expires_at: row.started_at + window, ..row };
    save(db, scope, key, &next)?;
    Ok(None)
}

/// Counts one attempt in the window of another counter, which ends at `until`. If the limit `most`
/// is reached, returns how long to wait instead.
pub fn count_until(
    db: &mut dyn Db,
    scope: Scope,
    key: &[u8; 32],
    (most, until): (u32, Time),
    now: Time,
) -> Result<Option<std::time::Duration>> {
    let row = lock(db, scope, key, now)?;
    // A row with another end belongs to an earlier window of the other counter.
    let row = if row.expires_at == until { row } else { AttemptRow::none(now) };
    if row.count >= i64::from(most) {
        return Ok(Some(until.since(now)));
    }
    let next = AttemptRow { count: row.count + 1, expires_at: until, ..row };
    save(db, scope, key, &next)?;
    Ok(None)
}

/// Takes one counted attempt back.
pub fn give_back(db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<()> {
    db.run(
        sql!("update attempts set count = count - 1 where scope = $1 and key = $2 and count > 0"),
        &[scope.as_str().into(), key.into()],
    )?;
    Ok(())
}

/// Deletes the row unless it blocks.
pub fn forget_unblocked(db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<()> {
    db.run(
        sql!("delete from attempts where scope = $1 and key = $2 and blocked_until is null"),
        &[scope.as_str().into(), key.into()],
    )?;
    Ok(())
}

/// Deletes up to `limit` expired rows and returns how many it deleted.
pub fn purge(db: &mut dyn Db, now: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!("delete from attempts where (scope, key) in (select scope, key from attempts where expires_at <= $1 limit $2)"),
        &[now.into(), limit.into()],
    )
}
