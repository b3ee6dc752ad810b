//! Removing identities because of a proof of the address or a takeover: what was connected by another
//! party is no way in.

use crate::error::Result;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::identity::Identity;
use crate::model::{AccountId, Event, Time};
use crate::store;
use crate::store::db::Db;

/// Which identity it is, for the audit log.
pub(super) fn described(row: &Identity) -> String {
    format!("{} {}", row.provider, row.id)
}

/// Records that an identity was removed.
pub(super) fn record_removal(
    db: &mut dyn Db,
    row: &Identity,
    by: &str,
    log: &AuditLog,
) -> Result<()> {
    let event = Event::done(What::IdentityRemoved).about(&row.account).by(by);
    log.record(db, &event.because(described(row)))
}

/// Deletes the identities that were connected since this time and records each.
pub(in crate::identity) fn remove_since(
    db: &mut dyn Db,
    account: &AccountId,
    since: Time,
    by: &str,
    log: &AuditLog,
) -> Result<()> {
    let removed = store::tables::identities::remove_since(db, account, since)?;
    removed.iter().try_for_each(|row| record_removal(db, row, by, log))
}
