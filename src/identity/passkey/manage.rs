//! The keys that an account has: listing, renaming and removing them.

use super::{PasskeyName, authenticator, described, domain};
use crate::error::{Detail, Error, Kind, Result};
use crate::identity::access::actor::FreshBy;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::way_in::WaysIn;
use crate::identity::audit::log::AuditLog;
use crate::identity::{Caller, Core};
use crate::mail::{Letter, PasskeyChange};
use crate::model::account::AddressState;
use crate::model::event::What;
use crate::model::{Account, AccountId, Event, Passkey, Permission, Source, Time};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::db::Db;

/// An account's keys, with what a browser needs to remove deleted ones from its devices.
#[derive(Debug, Clone)]
pub struct PasskeyList {
    /// Oldest first.
    pub passkeys: Vec<Passkey>,
    /// The domain that they are bound to.
    pub rp_id: String,
    /// What stands for the account in authenticators.
    pub user_handle: Vec<u8>,
}

/// Lists the caller's keys.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core, caller: &Caller) -> Result<PasskeyList> {
    let (id, config) = (caller.account.id.clone(), core.config.clone());
    core.store
        .read(move |db| {
            let handle = store::tables::passkeys::handle(db, &id)?;
            Ok(PasskeyList {
                passkeys: store::tables::passkeys::of(db, &id)?,
                rp_id: domain(db, &config)?,
                user_handle: handle.ok_or(Kind::SessionEnded)?,
            })
        })
        .await
}

/// Lists the keys of another account.
///
/// # Errors
/// `AccountNotFound`.
pub async fn list_of(core: &Core, account: &AccountId) -> Result<Vec<Passkey>> {
    let id = account.clone();
    core.store
        .read(move |db| {
            store::tables::accounts::find(db, &id)?.ok_or(Kind::AccountNotFound)?;
            store::tables::passkeys::of(db, &id)
        })
        .await
}

/// Renames a key and returns it.
///
/// # Errors
/// `NotFound`.
pub async fn rename(
    core: &Core,
    caller: &Caller,
    id: &str,
    name: PasskeyName,
    source: &Source,
) -> Result<Passkey> {
    let (log, account) = (AuditLog::new(core, source), caller.account.id.clone());
    let id = id.to_owned();
    core.store
        .write(move |db| {
            if !store::tables::passkeys::rename(db, &account, &id, name.as_str())? {
                return Err(no_such_key());
            }
            let keys = store::tables::passkeys::of(db, &account)?;
            let key = keys.into_iter().find(|key| key.id == id).ok_or_else(no_such_key)?;
            let event = Event::done(What::PasskeyRenamed).about(&account).by(account.as_str());
            log.record_frequent(db, &event.because(described(&key)))?;
            Ok(key)
        })
        .await
}

fn no_such_key() -> Error {
    Detail::UnknownPasskey.into()
}

/// Removes one of the caller's keys. Removing the last second factor also drops the backup codes.
///
/// # Errors
/// `NotFound`, `SessionEnded`, `Conflict`; `LastLoginMethod` if the account would have no way in left.
pub async fn remove(core: &Core, fresh: &Fresh, id: &str, source: &Source) -> Result<()> {
    let (caller, account) = (fresh.caller().clone(), fresh.caller().account.clone());
    let letter = removal_letter(core, &account, id).await?;
    let (log, id) = (AuditLog::new(core, source), id.to_owned());
    let ways = WaysIn::of(core).await?;
    core.store
        .write(move |db| {
            caller.confirm(db, log.at())?;
            let version = account.credential_version;
            if !store::tables::accounts::raise_credential_version(db, &account.id, version)? {
                return Err(Kind::Conflict.into());
            }
            take_out(db, &account, &id, account.id.as_str(), &log)?;
            // The owner of a proved address can ask for a new password there.
            let has_mail = account.address_state() == AddressState::Verified;
            if !has_mail && !ways.lead_in(db, &account)? {
                return Err(Kind::LastLoginMethod.into());
            }
            outbox::enqueue_all(db, &letter)
        })
        .await
}

/// Removes a key of another account.
///
/// # Errors
/// `AccountNotFound`, `NotFound`, `Forbidden`.
pub async fn remove_of(core: &Core, by: &FreshBy, account: &AccountId, id: &str) -> Result<()> {
    let (by, wanted) = (by.by(), account.clone());
    let actor = by.actor.clone();
    let account = core
        .store
        .read(move |db| {
            let found = store::tables::accounts::find(db, &wanted)?;
            let found = found.filter(|account| account.deleted_at.is_none());
            actor.may_change(db, &wanted)?;
            found.ok_or_else(|| Kind::AccountNotFound.into())
        })
        .await?;
    let letter = removal_letter(core, &account, id).await?;
    let (log, actor, id) = (AuditLog::new(core, &by.source), by.actor.clone(), id.to_owned());
    core.store
        .write(move |db| {
            actor.needs(db, Permission::UsersWrite)?;
            actor.may_change(db, &account.id)?;
            take_out(db, &account, &id, actor.name(), &log)?;
            store::tables::accounts::void_proofs(db, &account.id)?;
            outbox::enqueue_all(db, &letter)
        })
        .await
}

/// The mail to the owner about the removal of a key.
async fn removal_letter(
    core: &Core,
    account: &Account,
    id: &str,
) -> Result<Option<OutgoingMessage>> {
    let owner = account.id.clone();
    let keys = core.store.read(move |db| store::tables::passkeys::of(db, &owner)).await?;
    let key = keys.iter().find(|key| key.id == id).ok_or_else(no_such_key)?;
    let change = PasskeyChange::Removed(authenticator(key), key.kind);
    let letter = Letter::PasskeyChanged { change };
    core.mail.compose_for(account, core.language_of(account), &letter)
}

/// Deletes the key, and the backup codes if no second factor is left.
fn take_out(db: &mut dyn Db, account: &Account, id: &str, by: &str, log: &AuditLog) -> Result<()> {
    let Some(key) = store::tables::passkeys::remove(db, &account.id, id)? else {
        return Err(no_such_key());
    };
    if !store::tables::factors::has_second_factor(db, &account.id)? {
        store::tables::factors::drop_backup_codes(db, &account.id)?;
    }
    let event = Event::done(What::PasskeyRemoved).about(&account.id).by(by);
    log.record(db, &event.because(described(&key)))
}

/// Deletes the keys that were added since this time and records each.
pub(in crate::identity) fn remove_since(
    db: &mut dyn Db,
    account: &AccountId,
    since: Time,
    by: &str,
    log: &AuditLog,
) -> Result<u64> {
    let removed = store::tables::passkeys::remove_since(db, account, since)?;
    for key in &removed {
        let event = Event::done(What::PasskeyRemoved).about(account).by(by);
        log.record(db, &event.because(described(key)))?;
    }
    Ok(removed.len() as u64)
}
