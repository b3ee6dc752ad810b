//! Bursts of failed logins from one client IP.

use std::time::Duration;

use crate::error::Result;
use crate::identity::audit::alert::AlertKind;
use crate::identity::audit::log::AuditLog;
use crate::model::Event;
use crate::model::event::What;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};

/// Number of failures from one client IP in [`BURST_WINDOW`] that counts as a burst.
const BURST: i64 = 20;

/// See [`BURST`].
const BURST_WINDOW: Duration = Duration::from_mins(15);

/// Counts a failed login from a client IP. Records the failure that reaches the burst threshold,
/// once per window.
pub fn note_failure(db: &mut dyn Db, log: &AuditLog, client_key: &[u8; 32]) -> Result<()> {
    let row = attempts::lock(db, Scope::Burst, client_key, log.at())?;
    let next =
        AttemptRow { count: row.count + 1, expires_at: row.started_at + BURST_WINDOW, ..row };
    attempts::save(db, Scope::Burst, client_key, &next)?;
    if next.count == BURST {
        log.record(db, &Event::done(What::FailureBurst).because(BURST.to_string()))?;
        log.alert(db, AlertKind::FailureBurst)
    } else {
        Ok(())
    }
}
