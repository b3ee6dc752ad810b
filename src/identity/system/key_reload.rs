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

/// Reloads roles, then keys. The keys carry the epoch, so they come last: if loading stops in
/// between, the next request reloads both.
pub async fn reload(core: &Core) -> Result<()> {
    core.roles.reload(&core.store).await?;
    core.tokens.reload().await
}
