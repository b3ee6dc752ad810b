//! Following the signing keys and roles as the database has them now.

use crate::error::Result;
use crate::identity::Core;
use crate::store;

/// Reloads keys and roles if another process has changed them. Returns whether it had.
pub async fn catch_up(core: &Core) -> Result<bool> {
    if core.store.read(|db| store::tables::keys::epoch(db)).await? == core.tokens.epoch() {
        return Ok(false);
    }
    reload(core).await?;
    Ok(true)
}

/// Reloads keys and roles if `epoch`, taken from a row that was just read or written, differs from
/// the loaded one.
pub async fn reach(core: &Core, epoch: impl Into<Option<i64>>) -> Result<()> {
    match epoch.into() {
        Some(epoch) if epoch != core.tokens.epoch() => reload(core).await,
        _ => Ok(()),
    }
}

/// Reloads keys and roles. The roles are read after the epoch and are in force before it is: if they
/// were read before, a change that is committed in between would count as seen.
pub async fn reload(core: &Core) -> Result<()> {
    core.tokens.reload(core.roles.reload(&core.store)).await
}
