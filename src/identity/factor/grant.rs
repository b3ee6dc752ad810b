//! A factor that its owner did not set up.

use super::check::place;
use super::{Authenticator, Core, authenticator, backup, confirmed, has_room, letter, totp};
use crate::error::{Kind, Result};
use crate::identity::access::actor::By;
use crate::identity::audit::log::AuditLog;
use crate::mail::FactorChange;
use crate::model::event::What;
use crate::model::{AccountId, Event, Factor, FactorKind, Permission, Secret};
use crate::outbox;
use crate::store;

/// An authenticator in force, with the secrets that are shown only this once.
#[derive(Debug, Clone)]
pub struct GrantedAuthenticator {
    pub authenticator: Authenticator,
    /// The code that is valid now.
    pub code: Secret,
    pub backup_codes: Vec<Secret>,
}

/// Gives an account an authenticator and new backup codes, in force at once. The owner is informed.
///
/// # Errors
/// `AccountNotFound`, `Forbidden`, `AlreadyExists`, `Conflict`.
pub async fn grant_authenticator(
    core: &Core,
    by: &By,
    account: &AccountId,
) -> Result<GrantedAuthenticator> {
    let id = account.clone();
    let found = core.store.read(move |db| store::tables::accounts::find(db, &id)).await?;
    let account =
        found.filter(|account| account.deleted_at.is_none()).ok_or(Kind::AccountNotFound)?;
    let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
    let id = core.env.new_id()?;
    let (sealed, authenticator) = authenticator(core, &account, &id)?;
    let bytes = zeroize::Zeroizing::new(core.master.open(&place(&id), &sealed)?);
    let code = Secret::new(totp::code_at(&bytes, core.env.wall()));
    let (backup_codes, hashes) = backup::new_set(core, &account.id)?;
    let letter = letter(core, &account, FactorChange::Added(FactorKind::Totp))?;
    let factor = Factor {
        id,
        account: account.id.clone(),
        kind: FactorKind::Totp,
        name: FactorKind::Totp.as_str().to_owned(),
        sealed: Some(sealed),
        target: None,
        last_step: None,
        created_at: log.at(),
        confirmed_at: None,
        last_used_at: None,
    };
    core.store
        .write(move |db| {
            actor.needs(db, Permission::UsersWrite)?;
            actor.may_change(db, &account.id)?;
            let version = account.credential_version;
            if !store::tables::accounts::raise_credential_version(db, &account.id, version)? {
                return Err(Kind::Conflict.into());
            }
            let before = confirmed(store::tables::factors::of(db, &account.id)?);
            has_room(&before, factor.kind, None)?;
            store::tables::factors::insert(db, &factor)?;
            store::tables::factors::confirm(db, &account.id, &factor.id, None, log.at())?;
            store::tables::factors::drop_backup_codes(db, &account.id)?;
            store::tables::factors::insert_backup_codes(db, &account.id, &hashes, None, log.at())?;
            let event = Event::done(What::FactorAdded).about(&account.id).by(actor.name());
            log.record(db, &event.because(factor.kind.as_str()))?;
            outbox::enqueue_all(db, &letter)
        })
        .await?;
    Ok(GrantedAuthenticator { authenticator, code, backup_codes })
}
