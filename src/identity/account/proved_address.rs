//! Proving an address: the only place that marks an address as verified, or gives an account another
//! verified one.
//!
//! Anyone can sign up with any address, so what is on an account whose address nobody has proved may
//! be another party's. The person who proves the address keeps only what they brought: all the rest
//! is void, and nothing of it is a way in later. Every way to prove an address ends here.

use crate::error::{Kind, Result};
use crate::identity::audit::log::AuditLog;
use crate::identity::{passkey, provider};
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AccountId, Email, Event, Time, text};
use crate::store;
use crate::store::db::{Constraint, Db};
use crate::store::tables::roles::Removable;

/// What the person who proves an address brings along, and so keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum Brought {
    /// The password of their sign-up, if all sign-ups with the address gave the same one, and what
    /// was done with it.
    SignUp,
    /// A new password, which the same write has just set.
    NewPassword,
    /// Access to the mailbox alone.
    Mailbox,
}

/// What proving an address did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum ProofOutcome {
    /// Nothing: the address was already verified, or the account has another one.
    None,
    /// The address is verified, and the account has the password that was brought along.
    Complete,
    /// The address is verified, and the account has no password: the owner has to choose one.
    WithoutPassword,
}

/// Marks an address as verified and voids what was not brought along. `by` is the actor in the audit
/// log.
pub(in crate::identity) fn prove(
    db: &mut dyn Db,
    id: &AccountId,
    email_key: &str,
    brought: Brought,
    by: &str,
    log: &AuditLog,
) -> Result<ProofOutcome> {
    let Some(before) = store::tables::accounts::find(db, id)? else {
        return Ok(ProofOutcome::None);
    };
    if !store::tables::accounts::prove_email(db, id, email_key, log.at())? {
        return Ok(ProofOutcome::None);
    }
    claim_username(db, id, log.at())?;
    log.record(db, &Event::done(What::EmailVerified).about(id).by(by))?;
    if brought == Brought::SignUp && before.password_contested_at.is_none() {
        return Ok(ProofOutcome::Complete);
    }
    if brought != Brought::NewPassword {
        store::tables::accounts::clear_password(db, id, log.at())?;
    }
    void_all(db, id, by, log)?;
    // Letters go out in the language of the person who proves the address, not of whom the sign-up came
    // from. An administrator speaks for another person. Names stay: they let nobody in, and the owner
    // sees and changes them.
    if let Some(language) = log.language().filter(|_| by == id.as_str()) {
        store::tables::accounts::replace_locale(db, id, language)?;
    }
    Ok(if brought == Brought::NewPassword {
        ProofOutcome::Complete
    } else {
        ProofOutcome::WithoutPassword
    })
}

/// Voids every way into an account but its password.
fn void_all(db: &mut dyn Db, id: &AccountId, by: &str, log: &AuditLog) -> Result<()> {
    let why = SessionEnd::Password;
    for session in store::tables::sessions::end_all(db, id, why, log.at())? {
        let ended = Event::done(What::SessionEnded).about(id).in_session(&session).by(by);
        log.record(db, &ended.because(why.as_str()))?;
    }
    if store::tables::factors::remove_all(db, id)? > 0 {
        log.record(db, &Event::done(What::FactorRemoved).about(id).by(by).because("all"))?;
    }
    passkey::remove_since(db, id, Time::default(), by, log)?;
    provider::remove_since(db, id, Time::default(), by, log)?;
    store::tables::links::void_unproved(db, id)?;
    store::tables::codes::void_all(db, id)?;
    store::tables::anomalies::void_alerts(db, id)?;
    // Client IPs and devices that were used before are not known ones of the owner.
    store::tables::known_ips::forget(db, id, Time::default())?;
    store::tables::anomalies::forget_traits(db, id, Time::default())
}

/// Gives the account another address, which its owner has proved. What is on the account stays: the
/// owner asked for the change with a proof of identity. An unverified account that holds the address
/// is removed where `verification` lets it give way.
///
/// # Errors
/// `LinkInvalid` if the account is deleted or another account keeps the address.
pub(in crate::identity) fn adopt(
    db: &mut dyn Db,
    id: &AccountId,
    email: &Email,
    verification: Verification,
    log: &AuditLog,
) -> Result<()> {
    clear_the_way(db, id, email.key(), verification, log)?;
    match store::tables::accounts::set_email(db, id, email, log.at()) {
        Ok(true) => claim_username(db, id, log.at()),
        Ok(false) => Err(Kind::LinkInvalid.into()),
        Err(error) if Constraint::of(&error) == Some(Constraint::Email) => {
            Err(Kind::LinkInvalid.into())
        }
        Err(error) => Err(error),
    }
}

/// Whether an account gives its address up to a client who proves to own it. Only an unverified
/// account does, and only where verification is required: there it has never been used.
pub(in crate::identity) fn gives_way(holder: &Account, verification: Verification) -> bool {
    verification == Verification::Required && holder.email_verified_at.is_none()
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

/// Gives an account the user name that was held for its sign-up, unless the hold has expired and
/// another account has the name now.
fn claim_username(db: &mut dyn Db, id: &AccountId, now: Time) -> Result<()> {
    let Some(account) = store::tables::accounts::find(db, id)? else { return Ok(()) };
    let Some(name) = &account.username else { return Ok(()) };
    let key = text::fold(name);
    if store::tables::accounts::is_username_taken(db, &key, &account.id, now)? {
        return store::tables::accounts::drop_username(db, &account.id);
    }
    store::tables::accounts::take_username(db, &account.id, &key)
}
