//! The caller's profile: what an owner may change about the account.

use crate::error::{Error, Kind, Result};
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::{Account, Event, Source};
use crate::store;

pub use crate::store::tables::accounts::ProfileChange as Changes;

/// Changes the profile and returns the updated account.
///
/// # Errors
/// `SessionEnded` when the account was deleted meanwhile, `Unavailable`.
pub async fn update(
    core: &Core,
    caller: &Caller,
    changes: Changes,
    source: &Source,
) -> Result<Account> {
    let (log, id) = (AuditLog::new(core, source), caller.account.id.clone());
    core.store
        .write(move |db| {
            let account = store::tables::accounts::change_profile(db, &id, &changes, log.at())?
                .ok_or_else(|| Error::new(Kind::SessionEnded))?;
            log.record_frequent(db, &Event::done(What::ProfileChanged).about(&id).by(id.as_str()))?;
            Ok(account)
        })
        .await
}
