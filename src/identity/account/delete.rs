//! Account deletion by the owner. The account is hidden at once and erased after 30 days. An
//! account that was never verified is erased at once, which frees its address.

use crate::error::{Kind, Result};
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::link;
use crate::identity::audit::log::AuditLog;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Event, Source};
use crate::outbox;
use crate::store;
use crate::store::tables::roles::Removable;

/// Deletes the caller's account, ends all its sessions and mails the owner.
///
/// # Errors
/// `LastAdmin`, `SessionEnded` if the account was deleted meanwhile, `Unavailable`.
pub async fn own_account(core: &Core, fresh: &Fresh, source: &Source) -> Result<()> {
    let account = fresh.caller().account.clone();
    let letter = core.mail.compose(&account.email, account.id.as_str(), &Letter::AccountDeleted)?;
    let (log, verification) = (AuditLog::new(core, source), core.verification());
    core.store
        .write(move |db| {
            let removable = Removable::check(db, &account.id, verification)?;
            let removable = removable.ok_or(Kind::LastAdmin)?;
            let by_owner = |what| Event::done(what).about(&account.id).by(account.id.as_str());
            for session in
                store::tables::sessions::end_all(db, &account.id, SessionEnd::Deleted, log.at())?
            {
                log.record(
                    db,
                    &by_owner(What::SessionEnded)
                        .in_session(&session)
                        .because(SessionEnd::Deleted.as_str()),
                )?;
            }
            link::void_all(db, &account.id)?;
            log.record(db, &by_owner(What::Deleted))?;
            if store::tables::erasure::remove_unproved(db, &removable)? {
                return Ok(());
            }
            if !store::tables::accounts::hide(db, &removable, log.at())? {
                return Err(Kind::SessionEnded.into());
            }
            outbox::enqueue(db, &letter)
        })
        .await
}
