//! Resetting a forgotten password with a mailed code, where the policy allows it: requesting the
//! code, checking it, and setting a new password with it.
//!
//! As with a link, having the code proves access to the mailbox. An unknown address gets the same
//! answer as a wrong code.

use crate::error::{Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::recover::Reset;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::{CodePurpose, CodeRequested};
use crate::model::event::What;
use crate::model::{Account, Email, Event, Password, Source};
use crate::outbox::{self, Job};
use crate::store;

fn refuse_where_off(core: &Core) -> Result<()> {
    if core.config.password.reset_by_code { Ok(()) } else { Err(Kind::NotFound.into()) }
}

/// Requests a code. The response never depends on whether the account exists.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `Unavailable`.
pub async fn request(
    core: &Core,
    email: &Email,
    _counted: &Counted<limit::ForgotByCode>,
    source: &Source,
) -> Result<()> {
    refuse_where_off(core)?;
    let prepared =
        core.outbox.job(&Job::ResetCode { email_key: email.key().to_owned() }, source)?;
    let asking = CodeRequested::new(core, email, CodePurpose::Reset, source.client());
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            asking.note(db, log.at())?;
            outbox::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::PasswordResetRequested).because("code"))
        })
        .await
}

/// Checks a code without using it up. A wrong one counts as an attempt.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `CodeInvalid`, `TooMany(Code)`.
pub async fn look(
    core: &Core,
    email: &Email,
    typed: &str,
    _counted: &Counted<limit::ResetCode>,
    source: &Source,
) -> Result<()> {
    refuse_where_off(core)?;
    one_time_code::show(core, email, CodePurpose::Reset, typed, source).await.map(drop)
}

/// Sets a new password with a code. All sessions end, lockouts are lifted, other links are voided,
/// and the owner is notified.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `CodeInvalid`, `TooMany(Code)`, `Validation` for
/// a bad password (the code stays usable), `Unavailable`.
pub async fn reset(
    core: &Core,
    email: &Email,
    typed: &str,
    new: Password,
    counted: &Counted<limit::ResetByCode>,
    source: &Source,
) -> Result<()> {
    match spend(core, email, typed, new, source).await {
        Err(failure) => Err(counted.failed(failure).await),
        done => done,
    }
}

async fn spend(
    core: &Core,
    email: &Email,
    typed: &str,
    new: Password,
    source: &Source,
) -> Result<()> {
    refuse_where_off(core)?;
    let (attempt, account) =
        one_time_code::show(core, email, CodePurpose::Reset, typed, source).await?;
    let change = Reset::prepare(core, &account, new, source).await?;
    let now = core.env.now();
    core.store
        .write(move |db| {
            // Any change to the account's credentials since the code was checked voids the code.
            let is_as_read = |current: &Account| {
                current.credential_version == account.credential_version && current.is_reachable()
            };
            if !store::tables::accounts::find(db, &account.id)?.as_ref().is_some_and(is_as_read) {
                return Err(Kind::CodeInvalid.into());
            }
            let Some(code) = attempt.spend(db, now)? else { return Err(Kind::CodeInvalid.into()) };
            if change.store(db, &account, &code.target)? {
                Ok(())
            } else {
                Err(Kind::CodeInvalid.into())
            }
        })
        .await
}
