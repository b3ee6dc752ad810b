//! The factors that an account has: listing, renaming and removing them, new backup codes.

use super::guesses::FactorLocks;
use super::{Caller, Core};
use super::{addition_letter, factors_of, letter};
use crate::error::{Detail, Error, Kind, Result};
use crate::identity::access::actor::FreshBy;
use crate::identity::access::fresh::Fresh;
use crate::identity::audit::log::AuditLog;
use crate::identity::passkey;
use crate::mail::{AddedMethod, FactorChange};
use crate::model::event::What;
use crate::model::{
    Account, AccountId, Event, Factor, Permission, Secret, SessionId, Source, Time,
};
use crate::outbox::{self};
use crate::store::db::Db;
use crate::store::{self};

/// An account's factors and the number of its unused backup codes.
#[derive(Debug, Clone)]
pub struct Overview {
    /// All factors, including unconfirmed ones.
    pub factors: Vec<Factor>,
    /// How many backup codes are unused.
    pub backup_codes: i64,
    /// Whether a login with the password asks for a second factor.
    pub is_due: bool,
}

/// Lists the caller's factors.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core, caller: &Caller) -> Result<Overview> {
    let id = caller.account.id.clone();
    core.store
        .read(move |db| {
            Ok(Overview {
                factors: store::tables::factors::of(db, &id)?,
                backup_codes: store::tables::factors::count_backup_codes(db, &id)?,
                is_due: store::tables::factors::has_second_factor(db, &id)?,
            })
        })
        .await
}

/// Renames a factor and returns it.
///
/// # Errors
/// `NotFound`.
pub async fn rename(
    core: &Core,
    caller: &Caller,
    id: &str,
    name: &str,
    source: &Source,
) -> Result<Factor> {
    let (log, account) = (AuditLog::new(core, source), caller.account.id.clone());
    let (id, name) = (id.to_owned(), name.to_owned());
    core.store
        .write(move |db| {
            if !store::tables::factors::rename(db, &account, &id, &name)? {
                return Err(no_such_factor());
            }
            log.record_frequent(
                db,
                &Event::done(What::FactorRenamed).about(&account).by(account.as_str()),
            )?;
            let found = store::tables::factors::of(db, &account)?
                .into_iter()
                .find(|factor| factor.id == id);
            found.ok_or_else(no_such_factor)
        })
        .await
}

fn no_such_factor() -> Error {
    Detail::UnknownFactor.into()
}

/// Removes a factor. Removing the last one also drops the backup codes.
///
/// # Errors
/// `NotFound`, `Conflict`.
pub async fn remove(core: &Core, fresh: &Fresh, id: &str, source: &Source) -> Result<()> {
    let caller = fresh.caller();
    let factors = factors_of(core, &caller.account.id).await?;
    let factor = factors.into_iter().find(|factor| factor.id == id).ok_or_else(no_such_factor)?;
    let letter = letter(core, &caller.account, FactorChange::Removed(factor.kind))?;
    let (log, account, session) =
        (AuditLog::new(core, source), caller.account.clone(), caller.session().clone());
    core.store
        .write(move |db| {
            if !store::tables::factors::remove(db, &account.id, &factor.id)? {
                return Err(no_such_factor());
            }
            if factor.confirmed_at.is_none() {
                return Ok(());
            }
            raise_credential_version(db, &account, &session, log.at())?;
            if !store::tables::factors::has_second_factor(db, &account.id)? {
                store::tables::factors::drop_backup_codes(db, &account.id)?;
            }
            let event = Event::done(What::FactorRemoved).about(&account.id).by(account.id.as_str());
            log.record(db, &event.because(factor.kind.as_str()))?;
            outbox::enqueue_all(db, &letter)
        })
        .await
}

/// Makes new backup codes. The previous ones stop working.
///
/// # Errors
/// `MfaNotEnabled`, `Conflict`.
pub async fn renew_backup_codes(
    core: &Core,
    fresh: &Fresh,
    source: &Source,
) -> Result<Vec<Secret>> {
    let caller = fresh.caller();
    let (shown, hashes) = super::backup::new_set(core, &caller.account.id)?;
    let (letter, not_me) = addition_letter(core, &caller.account, AddedMethod::BackupCodes)?;
    let (log, account, session) =
        (AuditLog::new(core, source), caller.account.clone(), caller.session().clone());
    core.store
        .write(move |db| {
            raise_credential_version(db, &account, &session, log.at())?;
            if !store::tables::factors::has_second_factor(db, &account.id)? {
                return Err(Kind::MfaNotEnabled.into());
            }
            store::tables::factors::drop_backup_codes(db, &account.id)?;
            store::tables::factors::insert_backup_codes(db, &account.id, &hashes, None, log.at())?;
            log.record(
                db,
                &Event::done(What::BackupCodesMade).about(&account.id).by(account.id.as_str()),
            )?;
            not_me.store_addition(db, &session, &log)?;
            outbox::enqueue_all(db, &letter)
        })
        .await?;
    Ok(shown)
}

/// Removes all factors, passkeys and backup codes of another account. Returns how many confirmed
/// factors and passkeys it had.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`.
pub async fn reset_all(core: &Core, by: &FreshBy, account: &AccountId) -> Result<u64> {
    let by = by.by();
    let id = account.clone();
    let found = core.store.read(move |db| store::tables::accounts::find(db, &id)).await?;
    let account =
        found.filter(|account| account.deleted_at.is_none()).ok_or(Kind::AccountNotFound)?;
    let (letter, log, actor) = (
        letter(core, &account, FactorChange::AllRemoved)?,
        AuditLog::new(core, &by.source),
        by.actor.clone(),
    );
    let locks = FactorLocks::of(core, &account.id);
    let removed = core
        .store
        .write(move |db| {
            actor.needs(db, Permission::UsersWrite)?;
            actor.may_change(db, &account.id)?;
            let removed = store::tables::factors::remove_all(db, &account.id)?;
            let keys = passkey::remove_since(db, &account.id, Time::default(), actor.name(), &log)?;
            locks.lift(db)?;
            store::tables::accounts::void_proofs(db, &account.id)?;
            if removed > 0 {
                let event = Event::done(What::FactorRemoved).about(&account.id).by(actor.name());
                log.record(db, &event.because("all"))?;
            }
            if removed > 0 || keys > 0 {
                outbox::enqueue_all(db, &letter)?;
            }
            Ok(removed + keys)
        })
        .await?;
    Ok(removed)
}

/// Raises the credential version, unless the account has changed, or the session has ended, since the
/// caller was recognised.
fn raise_credential_version(
    db: &mut dyn Db,
    account: &Account,
    session: &SessionId,
    now: Time,
) -> Result<()> {
    let version = account.credential_version;
    let is_raised = store::tables::accounts::raise_credential_version(db, &account.id, version)?;
    let session = store::tables::sessions::find(db, session)?;
    if !session.is_some_and(|session| session.is_alive(now)) {
        return Err(Kind::SessionEnded.into());
    }
    if is_raised { Ok(()) } else { Err(Kind::Conflict.into()) }
}
