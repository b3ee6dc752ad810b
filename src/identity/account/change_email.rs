//! Changes an account's email address. The owner requests it with a fresh proof, confirms it with a
//! link mailed to the new address, and can undo it with a link mailed to the old one.

use std::time::Duration;

use crate::error::{Error, Field, Kind, Result, Rule, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::link::{Link, LinkPurpose};
use crate::identity::account::takeover::Rescue;
use crate::identity::account::{link, verify_email};
use crate::identity::audit::log::AuditLog;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AccountId, Email, Event, Source, Time};
use crate::outbox::{self, Job};
use crate::store;
use crate::store::db::{Constraint, Db};
use crate::store::tables::roles::Removable;

/// How long a change can be undone.
pub(in crate::identity) const UNDO_FOR: Duration = Duration::from_hours(7 * 24);

/// Requests a change of address. The answer does not reveal whether the new address is taken. The
/// account keeps the old one until the new one is verified.
///
/// # Errors
/// `Validation` if the account already has this address, `Unavailable`.
pub async fn request(core: &Core, fresh: &Fresh, new: &Email, source: &Source) -> Result<()> {
    let account = &fresh.caller().account;
    if account.email.key() == new.key() {
        return Err(Error::invalid_field(Field::NewEmail, Rule::SameEmail));
    }
    let asked = Job::ChangeEmail {
        account_id: account.id.to_string(),
        stamp: account.credential_version,
        email: new.as_str().to_owned(),
    };
    let prepared = core.outbox.job(&asked, source)?;
    let (log, id, session) =
        (AuditLog::new(core, source), account.id.clone(), fresh.caller().session().clone());
    core.store
        .write(move |db| {
            outbox::enqueue(db, &prepared)?;
            let event = Event::done(What::EmailChangeRequested).about(&id).in_session(&session);
            log.record(db, &event.by(id.as_str()))
        })
        .await
}

/// Whether an account gives its address up to a client who proves to own it. Only an unverified
/// account does, and only where verification is required: there it has never been used.
pub(in crate::identity) fn gives_way(holder: &Account, verification: Verification) -> bool {
    verification == Verification::Required && holder.email_verified_at.is_none()
}

/// Gives the account the address that the link confirms.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn confirm(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::ConfirmEmail>,
    source: &Source,
) -> Result<()> {
    let (hash, log, verification) =
        (link::digest_of(token), AuditLog::new(core, source), core.verification());
    let outcome = core
        .store
        .write(move |db| {
            let now = log.at();
            let link = link::usable(db, &hash, LinkPurpose::ConfirmEmail, now)?;
            let account =
                store::tables::accounts::find(db, &link.account)?.filter(Account::is_reachable);
            let account = account.ok_or(Kind::LinkInvalid)?;
            if !store::tables::links::spend(db, &hash, now)? {
                return Err(Kind::LinkInvalid.into());
            }
            clear_the_way(db, &account.id, &link.email_key, verification, &log)?;
            make_own(db, &account.id, &link, &log)?;
            verify_email::claim_username(db, &account.id, now)?;
            log.record(
                db,
                &Event::done(What::EmailChanged).about(&account.id).by(account.id.as_str()),
            )?;
            link::void_all(db, &account.id)?;
            store::tables::links::prolong_undoing(
                db,
                &account.id,
                account.email.key(),
                now + UNDO_FOR,
                now,
            )
        })
        .await;
    link::settle(core, hash, outcome).await
}

/// Gives the account back the address that the link was mailed to, and its owner the account: an
/// attacker who asked for the change may know the password and be logged in. Voids changes that
/// were requested and not confirmed.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn undo(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::UndoEmail>,
    source: &Source,
) -> Result<()> {
    let (hash, now) = (link::digest_of(token), core.env.now());
    let found = core.store.read(move |db| undoable(db, &hash, now)).await;
    let (link, account) = link::settle(core, hash, found).await?;
    let rescue = Rescue::prepare(core, &account, &address_of(&link)?, source)?;
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            let (link, account) = undoable(db, &hash, log.at())?;
            give_back(db, &account, &hash, &link, &log)?;
            rescue.store(db, SessionEnd::EmailUndone)
        })
        .await
}

fn give_back(
    db: &mut dyn Db,
    account: &Account,
    hash: &[u8; 32],
    link: &Link,
    log: &AuditLog,
) -> Result<()> {
    if !store::tables::links::spend(db, hash, log.at())? {
        return Err(Kind::LinkInvalid.into());
    }
    if account.email.key() != link.email_key {
        // A holder without a proof took the address while it was reserved for this account.
        clear_the_way(db, &account.id, &link.email_key, Verification::Required, log)?;
        make_own(db, &account.id, link, log)?;
    }
    log.record(
        db,
        &Event::done(What::EmailChangeUndone).about(&account.id).by(account.id.as_str()),
    )?;
    store::tables::links::void_later_undoing(db, &account.id, hash)
}

/// Returns the address with this key, if the account has it, or had it and can still take it back.
///
/// # Errors
/// `LinkInvalid`.
pub(in crate::identity) fn reachable_at(
    db: &mut dyn Db,
    account: &Account,
    email_key: &str,
    now: Time,
) -> Result<Email> {
    if account.email.key() == email_key {
        return Ok(account.email.clone());
    }
    let found = store::tables::links::find_undoing(db, &account.id, email_key, now)?;
    address_of(&found.ok_or(Kind::LinkInvalid)?.1)
}

/// Gives the account back the address with this key, if it has another one now. Works like
/// [`undo`], for an owner who came another way.
///
/// # Errors
/// `LinkInvalid` when the account can no longer take the address back.
pub(in crate::identity) fn restore_address(
    db: &mut dyn Db,
    account: &Account,
    email_key: &str,
    log: &AuditLog,
) -> Result<()> {
    if account.email.key() == email_key {
        return Ok(());
    }
    let found = store::tables::links::find_undoing(db, &account.id, email_key, log.at())?;
    let (hash, link) = found.ok_or(Kind::LinkInvalid)?;
    give_back(db, account, &hash, &link, log)
}

/// The undo link and the account that it restores.
fn undoable(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<(Link, Account)> {
    let link = link::usable(db, hash, LinkPurpose::UndoEmail, now)?;
    let account = store::tables::accounts::find(db, &link.account)?
        .filter(|account| account.deleted_at.is_none());
    Ok((link, account.ok_or(Kind::LinkInvalid)?))
}

/// Removes an unverified account that holds the address. Any other holder keeps it.
fn clear_the_way(
    db: &mut dyn Db,
    id: &AccountId,
    email_key: &str,
    verification: Verification,
    log: &AuditLog,
) -> Result<()> {
    match store::tables::accounts::find_by_email(db, email_key)? {
        Some(holder) if holder.id == *id => Ok(()),
        Some(holder) if gives_way(&holder, verification) => {
            let removable = Removable::check(db, &holder.id, verification)?;
            if store::tables::erasure::remove_unproved(db, &removable.ok_or(Kind::LinkInvalid)?)? {
                let deleted = Event::done(What::Deleted).about(&holder.id).by(id.as_str());
                log.record(db, &deleted.because("address_proved_by_another"))?;
            }
            Ok(())
        }
        Some(_) => Err(Kind::LinkInvalid.into()),
        None => Ok(()),
    }
}

fn make_own(db: &mut dyn Db, id: &AccountId, link: &Link, log: &AuditLog) -> Result<()> {
    match store::tables::accounts::set_email(db, id, &address_of(link)?, log.at()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Kind::LinkInvalid.into()),
        Err(error) if Constraint::of(&error) == Some(Constraint::Email) => {
            Err(Kind::LinkInvalid.into())
        }
        Err(error) => Err(error),
    }
}

/// The address that a link gives to the account.
fn address_of(link: &Link) -> Result<Email> {
    let email = link
        .address
        .as_deref()
        .and_then(Email::parse)
        .filter(|email| email.key() == link.email_key);
    email.ok_or_else(|| Error::internal("the link of an email change has no valid address"))
}
