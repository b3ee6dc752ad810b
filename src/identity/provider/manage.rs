//! The identities of an account: listing and removing them.

use super::removal::record_removal;
use crate::error::{Error, Kind, ProviderFault, Result};
use crate::identity::access::fresh::Fresh;
use crate::identity::account::way_in::WaysIn;
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::mail::Letter;
use crate::model::Source;
use crate::model::identity::Identity;
use crate::outbox;
use crate::store;

/// Lists the caller's identities, oldest first.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core, caller: &Caller) -> Result<Vec<Identity>> {
    let id = caller.account.id.clone();
    core.store.read(move |db| store::tables::identities::of(db, &id)).await
}

/// Removes one of the caller's identities. Its provider no longer logs in.
///
/// # Errors
/// `NotFound`, `SessionEnded`, `Conflict`; `LastLoginMethod` if no other way to log in is left.
pub async fn unlink(core: &Core, fresh: &Fresh, id: &str, source: &Source) -> Result<()> {
    let (caller, account) = (fresh.caller().clone(), fresh.caller().account.clone());
    let no_such = || Error::from(ProviderFault::UnknownIdentity);
    let owned = list(core, fresh.caller()).await?;
    let row = owned.into_iter().find(|row| row.id == id).ok_or_else(no_such)?;
    let found = super::find(core, &row.provider).await;
    let provider = found.map_or(row.provider, |one| one.label.clone());
    let letter = Letter::IdentityRemoved { provider };
    let language = core.language_of(&account);
    let letter = core.mail.compose_for(&account, language, &letter)?;
    let (log, id) = (AuditLog::new(core, source), id.to_owned());
    let has_codes = core.config.login.passwordless && account.email.is_some();
    let ways = WaysIn::of(core).await?;
    core.store
        .write(move |db| {
            caller.confirm(db, log.at())?;
            let version = account.credential_version;
            if !store::tables::accounts::raise_credential_version(db, &account.id, version)? {
                return Err(Kind::Conflict.into());
            }
            let removed = store::tables::identities::remove(db, &account.id, &id)?;
            let removed = removed.ok_or(ProviderFault::UnknownIdentity)?;
            if !has_codes && !ways.lead_in(db, &account)? {
                return Err(Kind::LastLoginMethod.into());
            }
            record_removal(db, &removed, account.id.as_str(), &log)?;
            outbox::enqueue_all(db, &letter)
        })
        .await
}
