//! Bursts of failed logins: from one client IP, at one account from anywhere, and in all.

use std::time::Duration;

use crate::error::Result;
use crate::identity::audit::alert::AlertKind;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{AccountId, Event, secret};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};

/// The time in which failures make a burst.
const WINDOW: Duration = Duration::from_mins(15);
/// Number of failures from one client IP that counts as a burst.
const OF_CLIENT: i64 = 20;
/// Number of failures at one account name that counts as a burst, wherever they come from.
const AT_ACCOUNT: i64 = 50;
/// Number of failures at all accounts that counts as a burst.
const IN_ALL: i64 = 500;

/// A failed login. The keys are keyed digests.
pub struct FailedLogin<'a> {
    pub client_key: &'a [u8; 32],
    /// `None` for a passkey that no account has.
    pub name_key: Option<&'a [u8; 32]>,
    /// The account, if there is one with the name.
    pub account: Option<&'a AccountId>,
}

/// Counts a failed login. Records each failure that reaches the threshold of a burst, once per
/// window.
pub fn note_failure(db: &mut dyn Db, log: &AuditLog, failed: &FailedLogin) -> Result<()> {
    let burst = || Event::done(What::FailureBurst);
    if reaches(db, log, failed.client_key, OF_CLIENT)? {
        log.record(db, &burst().because(OF_CLIENT.to_string()))?;
        log.alert(db, AlertKind::FailureBurst)?;
    }
    if let Some(name_key) = failed.name_key
        && reaches(db, log, name_key, AT_ACCOUNT)?
    {
        let event = Event { account: failed.account.cloned(), ..burst() };
        log.record(db, &event.because(format!("{AT_ACCOUNT} at one account")))?;
        log.alert(db, AlertKind::AccountBurst)?;
    }
    if reaches(db, log, &secret::digest(b"all failures"), IN_ALL)? {
        log.record(db, &burst().because(format!("{IN_ALL} in all")))?;
        log.alert(db, AlertKind::OverallBurst)?;
    }
    Ok(())
}

/// Counts a failure. True if it is the one that makes a burst.
fn reaches(db: &mut dyn Db, log: &AuditLog, key: &[u8; 32], burst: i64) -> Result<bool> {
    let row = attempts::lock(db, Scope::Burst, key, log.at())?;
    let next = AttemptRow { count: row.count + 1, expires_at: row.started_at + WINDOW, ..row };
    attempts::save(db, Scope::Burst, key, &next)?;
    Ok(next.count == burst)
}
