//! Background cleanup: removes expired rows, a few at a time so that no request waits for it, and
//! learns how the passwords of this database are hashed.

use std::time::Duration;

use crate::error::Result;
use crate::identity::Core;
use crate::identity::account::delete::HIDDEN_FOR;
use crate::identity::system::statistics;
use crate::model::Time;
use crate::model::series::{day_of_hour, hour_of};
use crate::store;
use crate::store::db::Db;

/// Rows that one write removes, with their dependent rows.
const PIECE: i64 = 500;
/// Accounts that one write erases. Each has letters and records of its own, and is in some dozens of
/// rows of the search index.
const ACCOUNTS: i64 = 10;

/// How many accounts have their audit records blanked in one change.
const BLANKED_ACCOUNTS: usize = 10;
/// Free space that is never given back: it is used again.
const KEPT_FREE: u64 = 16 * 1024 * 1024;
/// How long the server keeps what has ended: a session from when it would have ended unused, a
/// link, a code, a pending login, a finished mail, an unconfirmed factor.
const REMEMBERED_FOR: Duration = Duration::from_hours(168);

/// Tells the hashing pool how passwords are hashed in this database, for the dummy work of unknown
/// names.
pub async fn learn_schemes(core: &Core) -> Result<()> {
    core.hashing.learn(core.store.scan(store::tables::accounts::count_schemes).await?);
    Ok(())
}

/// Removes everything that is due. After an error, what was already removed stays removed.
pub async fn purge(core: &Core) -> Result<()> {
    let now = core.env.now();
    let old = now - REMEMBERED_FOR;
    let hidden = now - HIDDEN_FOR;
    let unknown = now - core.config.throttle.known_for;
    let audited = now - core.config.audit.keep;
    let mut removed = 0;
    removed += piecewise(core, move |db| store::tables::sessions::purge(db, old, PIECE)).await?;
    removed += piecewise(core, move |db| store::tables::links::purge(db, old, PIECE)).await?;
    removed += piecewise(core, move |db| store::tables::challenges::purge(db, old, PIECE)).await?;
    removed += piecewise(core, move |db| store::tables::codes::purge(db, old, PIECE)).await?;
    removed += piecewise(core, move |db| store::tables::factors::purge_unconfirmed(db, old, PIECE))
        .await?;
    removed += piecewise(core, move |db| store::tables::attempts::purge(db, now, PIECE)).await?;
    removed +=
        piecewise(core, move |db| store::tables::known_ips::purge(db, unknown, PIECE)).await?;
    removed += in_pieces_of(ACCOUNTS, core, move |db| {
        store::tables::erasure::purge_hidden(db, hidden, ACCOUNTS)
    })
    .await?;
    blank_deleted(core, hidden).await?;
    removed +=
        piecewise(core, move |db| store::tables::accounts::purge_reservations(db, now, PIECE))
            .await?;
    removed +=
        piecewise(core, move |db| store::tables::anomalies::purge_traits(db, unknown, PIECE))
            .await?;
    removed +=
        piecewise(core, move |db| store::tables::anomalies::purge_alerts(db, old, PIECE)).await?;
    removed += piecewise(core, move |db| store::tables::outbox::purge(db, old, PIECE)).await?;
    removed += piecewise(core, move |db| store::tables::audit::purge(db, audited, PIECE)).await?;
    removed += core.store.write(move |db| store::tables::keys::purge(db, now)).await?;
    removed += crate::identity::provider::tokens::forget_unkept_tokens(core).await?;
    removed += purge_statistics(core, now).await?;
    let unfinished = now - crate::identity::account::file::PATIENCE;
    removed +=
        piecewise(core, move |db| store::tables::files::purge_unfinished(db, unfinished, PIECE))
            .await?;
    if core.config.signup.verify_email {
        let stale = now - core.config.signup.remove_unproved;
        removed += in_pieces_of(ACCOUNTS, core, move |db| {
            store::tables::erasure::purge_unproved(db, stale, ACCOUNTS)
        })
        .await?;
    }
    if removed > 0 {
        core.metrics.note_removed(removed);
        tracing::info!(rows = removed, "cleanup removed expired rows");
    }
    give_back(core).await
}

/// Removes the calls that several servers count together, as soon as their windows have ended: every client
/// that calls leaves a row.
pub async fn purge_calls(core: &Core) -> Result<()> {
    if core.store.node().id().is_none() {
        return Ok(());
    }
    let now = core.env.now();
    piecewise(core, move |db| store::tables::attempts::purge(db, now, PIECE)).await.map(drop)
}

/// Gives space back to the filesystem, in short changes that others get between, until what is free is
/// what soon fills again.
async fn give_back(core: &Core) -> Result<()> {
    let mut before = core.store.space().await?;
    while before.free > KEPT_FREE.max(before.total / 4) {
        core.store.give_back().await?;
        let now = core.store.space().await?;
        // A file that was made before space could be given back keeps it.
        if now.total >= before.total {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}

/// Blanks the audit records of accounts that were deleted until this time. They are found without the
/// writer, and blanked in short changes that others get between.
async fn blank_deleted(core: &Core, deleted_until: Time) -> Result<()> {
    use store::tables::erasure;

    let due = core.store.scan(move |db| erasure::due_to_blank(db, deleted_until)).await?;
    for accounts in due.chunks(BLANKED_ACCOUNTS) {
        let accounts = accounts.to_vec();
        core.store.write_step(move |db| erasure::blank(db, &accounts)).await?;
    }
    core.store.write(move |db| erasure::note_blanked(db, deleted_until)).await
}

/// Removes counts that are no longer shown.
async fn purge_statistics(core: &Core, now: Time) -> Result<u64> {
    use store::tables::activity::{self, CountUnit};

    let hour = hour_of(now - statistics::HOURS_KEPT);
    let day = day_of_hour(hour_of(now - statistics::DAYS_KEPT));
    let active = hour_of(now - statistics::ACTIVITY_KEPT);
    let mut removed = 0;
    for (unit, before) in [(CountUnit::Hour, hour), (CountUnit::Day, day)] {
        removed += piecewise(core, move |db| activity::purge(db, unit, before, PIECE)).await?;
    }
    removed += piecewise(core, move |db| activity::purge_accounts(db, active, PIECE)).await?;
    Ok(removed)
}

async fn piecewise<F>(core: &Core, piece: F) -> Result<u64>
where
    F: Fn(&mut dyn Db) -> Result<u64> + Send + Clone + 'static,
{
    in_pieces_of(PIECE, core, piece).await
}

async fn in_pieces_of<F>(size: i64, core: &Core, piece: F) -> Result<u64>
where
    F: Fn(&mut dyn Db) -> Result<u64> + Send + Clone + 'static,
{
    let mut removed = 0;
    loop {
        let gone = core.store.write_step(piece.clone()).await?;
        removed += gone;
        if gone < size.unsigned_abs() {
            return Ok(removed);
        }
    }
}
