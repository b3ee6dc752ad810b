//! Account deletion by the owner. The account is hidden at once and erased after 30 days. An
//! account that was never verified is erased at once, which frees its address.

use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::identity::Core;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::link;
use crate::identity::audit::log::AuditLog;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, Email, Event, Source};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::tables::roles::Removable;

/// How long a deleted account can be restored.
pub const HIDDEN_FOR: Duration = Duration::from_hours(720);

/// Deletes the caller's account, ends all its sessions and mails the owner: at the account's
/// address, and at one that it had until recently and can still get back.
///
/// # Errors
/// `LastAdmin`, `SessionEnded` if the account was deleted meanwhile, `Unavailable`.
pub async fn own_account(core: &Core, fresh: &Fresh, source: &Source) -> Result<()> {
    let account = fresh.caller().account.clone();
    let (log, verification) = (AuditLog::new(core, source), core.verification());
    let (id, now) = (account.id.clone(), log.at());
    let kept =
        core.store.read(move |db| store::tables::links::kept_addresses(db, &id, now)).await?;
    let letters = letters(core, &account, &kept)?;
    let session = fresh.caller().session().clone();
    core.store
        .write(move |db| {
            let removable = Removable::check(db, &account.id, verification)?;
            let removable = removable.ok_or(Kind::LastAdmin)?;
            if store::tables::links::kept_addresses(db, &account.id, log.at())? != kept {
                return Err(Error::unavailable(
                    "the account's address changed during its deletion",
                ));
            }
            let by_owner = |what| Event::done(what).about(&account.id).by(account.id.as_str());
            let why = SessionEnd::Deleted;
            let ended = store::tables::sessions::end_all(db, &account.id, why, log.at())?;
            // Another request may have ended the session, because it was not the owner's.
            if !ended.contains(&session) {
                return Err(Kind::SessionEnded.into());
            }
            for session in &ended {
                let event = by_owner(What::SessionEnded).in_session(session);
                log.record(db, &event.because(why.as_str()))?;
            }
            link::void_all(db, &account.id)?;
            log.record(db, &by_owner(What::Deleted))?;
            if store::tables::erasure::remove_unproved(db, &removable)? {
                return Ok(());
            }
            if !store::tables::accounts::hide(db, &removable, account.id.as_str(), log.at())? {
                return Err(Kind::SessionEnded.into());
            }
            letters.iter().try_for_each(|letter| outbox::enqueue(db, letter))
        })
        .await
}

/// The letters about the deletion: to the account's address, and to the addresses that it had until
/// recently.
fn letters(core: &Core, account: &Account, kept: &[String]) -> Result<Vec<OutgoingMessage>> {
    let (id, language) = (account.id.as_str(), core.language_of(account));
    let own = core.mail.compose_for(account, language, &Letter::AccountDeleted);
    let kept = kept.iter().filter_map(|address| Email::parse(address));
    let letter = Letter::ChangedAccountDeleted;
    let kept = kept.map(|email| core.mail.compose(&email, id, language, &letter));
    own.transpose().into_iter().chain(kept).collect()
}
