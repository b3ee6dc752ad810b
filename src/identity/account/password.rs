//! The rules for every new password, and changing the password with the current one.

use crate::error::{Error, Field, FieldError, Kind, Result, limit};
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh;
use crate::identity::account::link;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::reauthenticate;
use crate::identity::{Caller, Core};
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, AuthMethod, Email, Event, Password, Source, Username};
use crate::outbox;
use crate::password::pool::Lane;
use crate::password::rules::{self, Personal};
use crate::store;

/// Rejects a new password that breaks the rules for this account.
///
/// # Errors
/// `Validation` with every broken rule, for [`Field::NewPassword`].
pub(in crate::identity) fn check_rules(
    core: &Core,
    account: &Account,
    new: &Password,
) -> Result<()> {
    let names = [&account.first_name, &account.last_name, &account.name, &account.company_name];
    check(
        core,
        &Field::NewPassword,
        new,
        account.email.as_ref(),
        account.username.as_deref(),
        &names,
    )
}

/// Rejects the first password of a new account if it breaks the rules.
///
/// # Errors
/// `Validation` with every broken rule, for [`Field::Password`].
pub(in crate::identity) fn check_first(
    core: &Core,
    new: &Password,
    email: &Email,
    username: Option<&Username>,
    names: &[&Option<String>],
) -> Result<()> {
    check(core, &Field::Password, new, Some(email), username.map(Username::as_str), names)
}

/// Every operation that sets a password calls this, even if a wire has checked the password before.
fn check(
    core: &Core,
    field: &Field,
    new: &Password,
    email: Option<&Email>,
    username: Option<&str>,
    names: &[&Option<String>],
) -> Result<()> {
    let names: Vec<&str> = names.iter().filter_map(|name| name.as_deref()).collect();
    let personal = Personal {
        email: email.map(Email::as_str),
        username,
        names: &names,
        service: &core.config.service.name,
    };
    let broken = rules::check(&core.config.password, new.reveal(), &personal);
    if broken.is_empty() {
        return Ok(());
    }
    let rows = broken.into_iter().map(|rule| FieldError::new(field.clone(), rule));
    Err(Error::invalid(rows.collect()))
}

/// Changes the password. The caller's session stays, all others end, mailed links are voided, and
/// the owner is notified.
///
/// # Errors
/// `Validation` for a bad new password, `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`,
/// `ReauthenticationRequired` where the session has not shown the second factor that guards the
/// account, `SessionEnded`, `Unavailable`.
pub async fn change(
    core: &Core,
    caller: &Caller,
    current: Password,
    new: Password,
    counted: &Counted<limit::ChangePassword>,
    source: &Source,
) -> Result<()> {
    counted.settle(change_counted(core, caller, current, new, source).await).await
}

async fn change_counted(
    core: &Core,
    caller: &Caller,
    current: Password,
    new: Password,
    source: &Source,
) -> Result<()> {
    check_rules(core, &caller.account, &new)?;
    fresh::need_second_factor(core, caller).await?;
    let attempt =
        reauthenticate::check_password(core, caller, current, What::PasswordChanged, source)
            .await?;
    let hash = match core.hashing.hash(Lane::Known(source.client()), new).await {
        Ok(hash) => hash,
        Err(busy) => return Err(reauthenticate::take_back(core, attempt, busy).await),
    };
    let language = core.language_for(&caller.account, source);
    let letter = core.mail.compose_for(&caller.account, language, &Letter::PasswordChanged)?;
    let (log, account, session) =
        (AuditLog::new(core, source), caller.account.clone(), caller.session().clone());
    core.store
        .write(move |db| {
            // A concurrent request may have changed the password: then the one checked above is no
            // longer current.
            if !store::tables::accounts::change_password(
                db,
                &account,
                &hash.text,
                &hash.scheme,
                log.at(),
            )? {
                return Err(Kind::WrongCurrentPassword.into());
            }
            attempt.forgive(db)?;
            let proved = AuthMethod::Password.into();
            if !store::tables::sessions::renew_proof(db, &session, &proved, log.at())? {
                return Err(Kind::SessionEnded.into());
            }
            let done = Event::done(What::PasswordChanged).about(&account.id).in_session(&session);
            log.record(db, &done.by(account.id.as_str()))?;
            for ended in store::tables::sessions::end_others(
                db,
                &account.id,
                &session,
                SessionEnd::Password,
                log.at(),
            )? {
                let event = Event::done(What::SessionEnded).about(&account.id).in_session(&ended);
                log.record(
                    db,
                    &event.by(account.id.as_str()).because(SessionEnd::Password.as_str()),
                )?;
            }
            link::void_all(db, &account.id)?;
            // An unverified address may belong to a third party, so it gets no mail that others can
            // trigger.
            if account.is_unproved() { Ok(()) } else { outbox::enqueue_all(db, &letter) }
        })
        .await
}
