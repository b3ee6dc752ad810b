//! Admitting an administrator to an operation, with a record if the request is refused.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::access::actor::{Admin, Demand, Locality};
use crate::identity::access::caller::Caller;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{Event, Source};

/// Like [`Caller::require`], but records a refusal in the audit log.
///
/// # Errors
/// As [`Caller::require`].
pub async fn admit(
    core: &Core,
    caller: &Caller,
    demand: Demand,
    locality: Locality,
    source: &Source,
) -> Result<Admin> {
    let refused = match caller.require(core, demand, locality, source).await {
        Ok(admin) => return Ok(admin),
        Err(error) => error,
    };
    let words: Vec<&str> = demand.any_of.iter().map(|permission| permission.as_str()).collect();
    let event =
        Event::refused(What::AdminRefused).about(&caller.account.id).in_session(caller.session());
    let event = event.by(caller.account.id.as_str()).because(words.join(" "));
    let log = AuditLog::new(core, source);
    core.store.write(move |db| log.record_refusal(db, &event)).await?;
    Err(refused)
}
