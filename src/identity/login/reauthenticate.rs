//! Confirming the caller's identity again, with the password or a second factor.
//!
//! Every operation that asks for the caller's current password checks it here, so all wrong
//! attempts count together.

use crate::error::{Error, Kind, Result, limit};
use crate::identity::access::counted::Counted;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard;
use crate::identity::login::guard::Attempt;
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::{AuthMethod, Event, Password, Secret, Source};
use crate::password::pool::Lane;
use crate::password::rules;
use crate::store;

/// What a caller confirms its identity with.
#[derive(Debug, Clone)]
pub enum ReauthenticationProof {
    Password(Password),
    /// A code of the second factor.
    Code(Secret),
}

/// Renews the proof of identity of the caller's session.
///
/// # Errors
/// `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`, `SessionEnded`; for a code, the
/// errors of [`crate::identity::factor::show`].
pub async fn renew(
    core: &Core,
    caller: &Caller,
    proof: ReauthenticationProof,
    _counted: &Counted<limit::Reauthenticate>,
    source: &Source,
) -> Result<()> {
    let attempt = match proof {
        ReauthenticationProof::Password(password) => {
            check_password(core, caller, password, What::Reauthenticated, source).await?
        }
        ReauthenticationProof::Code(code) => {
            return crate::identity::factor::show(core, caller, code.reveal(), source).await;
        }
    };
    let (log, account, session) =
        (AuditLog::new(core, source), caller.account.id.clone(), caller.session().clone());
    core.store
        .write(move |db| {
            attempt.forgive(db)?;
            if !store::tables::sessions::renew_proof(db, &session, AuthMethod::Password, log.at())?
            {
                return Err(Kind::SessionEnded.into());
            }
            let event = Event::done(What::Reauthenticated).about(&account).in_session(&session);
            log.record(db, &event.by(account.as_str()))
        })
        .await
}

/// Checks the caller's current password. Returns the counted attempt, to be forgiven in the write
/// that the correct password leads to. `what` is the audit event recorded for a wrong password.
///
/// # Errors
/// `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`, `Unavailable`.
pub(in crate::identity) async fn check_password(
    core: &Core,
    caller: &Caller,
    password: Password,
    what: What,
    source: &Source,
) -> Result<Attempt> {
    if rules::is_too_long(&core.config.password, password.reveal()) {
        return Err(Kind::WrongCurrentPassword.into());
    }
    let account = &caller.account;
    let client = source.client();
    let familiarity = guard::familiarity(core, &account.id, client).await?;
    let failure = Event::refused(what)
        .about(&account.id)
        .in_session(caller.session())
        .by(account.id.as_str());
    let attempt =
        guard::begin(core, &LoginTarget::of_owner(account), familiarity, failure, source).await?;
    let lane = Lane::Known(client);
    let matches = match account.password_hash.clone().filter(|_| !attempt.is_closed()) {
        Some(stored) => {
            core.hashing.verify(lane, password, stored).await.map(|verdict| verdict.matches)
        }
        None => {
            core.hashing.verify_nothing(lane, password, account.id.as_str()).await.map(|()| false)
        }
    };
    let matches = match matches {
        Ok(matches) => matches,
        Err(busy) => return Err(take_back(core, attempt, busy).await),
    };
    if matches {
        return Ok(attempt);
    }
    let log = AuditLog::new(core, source);
    core.store.write(move |db| attempt.fail(db, &log, "wrong_password")).await?;
    Err(Kind::WrongCurrentPassword.into())
}

/// Takes back an attempt whose password was never checked because the hashing queue was full.
/// Returns `busy`, or the error of taking it back.
pub(in crate::identity) async fn take_back(core: &Core, attempt: Attempt, busy: Error) -> Error {
    let now = core.env.now();
    match core.store.write(move |db| attempt.take_back(db, now)).await {
        Ok(()) => busy,
        Err(error) => error,
    }
}
