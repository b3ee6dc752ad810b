//! The rules for every new password, whichever road it comes by; and changing one's own, knowing the one before.

use super::audit::Log;
use super::{Caller, Core, link, reauthenticate};
use crate::error::{Error, Kind, Result};
use crate::mail::{self, Letter};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Email, Event, Password, Source, Username};
use crate::password::pool::Lane;
use crate::password::rules::{self, Personal};
use crate::store;

/// The field that a broken rule of a new password is reported under, where the account must be known to check it.
pub const NEW_PASSWORD: &str = "newPassword";
/// The field of an account's first password.
pub const FIRST_PASSWORD: &str = "password";

/// Refuses a new password that breaks the rules for this account.
///
/// # Errors
/// `Validation` with every broken rule, under [`NEW_PASSWORD`].
pub(super) fn check_rules(core: &Core, account: &Account, new: &Password) -> Result<()> {
    let names = [&account.first_name, &account.last_name, &account.name, &account.company_name];
    check(core, NEW_PASSWORD, new, &account.email, account.username.as_deref(), &names)
}

/// Refuses the first password of an account that is about to be made, if it breaks the rules for it.
///
/// # Errors
/// `Validation` with every broken rule, under [`FIRST_PASSWORD`].
pub(super) fn check_first(
    core: &Core,
    new: &Password,
    email: &Email,
    username: Option<&Username>,
    names: &[&Option<String>],
) -> Result<()> {
    check(core, FIRST_PASSWORD, new, email, username.map(Username::as_str), names)
}

/// Every road that sets a password comes by here, whatever a wire has looked at before.
fn check(
    core: &Core,
    field: &str,
    new: &Password,
    email: &Email,
    username: Option<&str>,
    names: &[&Option<String>],
) -> Result<()> {
    let names: Vec<&str> = names.iter().filter_map(|name| name.as_deref()).collect();
    let personal =
        Personal { email: Some(email.as_str()), username, names: &names, service: &core.config.service.name };
    let broken = rules::check(&core.config.password, field, new.reveal(), &personal);
    if broken.is_empty() { Ok(()) } else { Err(Error::invalid(broken)) }
}

/// Changes the password: the caller's session lives on, all others end, links in mail are void, the owner is told.
///
/// # Errors
/// `Validation` for a bad new one, `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`, `Unavailable`.
pub async fn change(core: &Core, caller: &Caller, current: Password, new: Password, source: &Source) -> Result<()> {
    check_rules(core, &caller.account, &new)?;
    let attempt = reauthenticate::check_password(core, caller, current, What::PasswordChanged, source).await?;
    let hash = match core.hashing.hash(Lane::Known(source.client()), new).await {
        Ok(hash) => hash,
        Err(busy) => return Err(reauthenticate::take_back(core, attempt, busy).await),
    };
    let letter = core.post.letter(&caller.account.email, caller.account.id.as_str(), &Letter::PasswordChanged)?;
    let (log, account, session) = (Log::new(core, source), caller.account.clone(), caller.session.clone());
    core.store
        .write(move |db| {
            // Somebody else may have changed it meanwhile: what was checked is not the current one then.
            if !store::accounts::change_password(db, &account, &hash.text, &hash.scheme, log.at())? {
                return Err(Kind::WrongCurrentPassword.into());
            }
            attempt.forgive(db)?;
            store::sessions::renew_proof(db, &session, log.at())?;
            let done = Event::done(What::PasswordChanged).about(&account.id).in_session(&session);
            log.record(db, &done.by(account.id.as_str()))?;
            for ended in store::sessions::end_others(db, &account.id, &session, End::Password, log.at())? {
                let event = Event::done(What::SessionEnded).about(&account.id).in_session(&ended);
                log.record(db, &event.by(account.id.as_str()).because(End::Password.as_str()))?;
            }
            link::void_all(db, &account.id)?;
            // Nobody has proved to read an unproved address: it gets no mail that others can cause.
            if account.email_verified_at.is_some() { mail::enqueue(db, &letter) } else { Ok(()) }
        })
        .await?;
    core.post.ring();
    Ok(())
}
