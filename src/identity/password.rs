//! Changing one's own password, knowing the one before.

use super::audit::Log;
use super::{Caller, Core, link, reauthenticate};
use crate::error::{Error, Kind, Result};
use crate::mail::{self, Letter};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Event, Password, Source};
use crate::password::pool::Lane;
use crate::password::rules::{self, Personal};
use crate::store;

/// The field that a broken rule of a new password is reported under, where the account must be known to check it.
pub const NEW_PASSWORD: &str = "newPassword";

/// Refuses a password that breaks the rules for this account.
///
/// # Errors
/// `Validation` with every broken rule, under [`NEW_PASSWORD`].
pub(super) fn check_rules(core: &Core, account: &Account, new: &Password) -> Result<()> {
    let names: Vec<&str> = [&account.first_name, &account.last_name, &account.name, &account.company_name]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let personal = Personal {
        email: Some(account.email.as_str()),
        username: account.username.as_deref(),
        names: &names,
        service: &core.config.service.name,
    };
    let broken = rules::check(&core.config.password, NEW_PASSWORD, new.reveal(), &personal);
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
