//! Confirming the caller's identity again, with the password, a second factor or a key.
//!
//! Every operation that asks for the caller's current password checks it here, so all wrong
//! attempts count together.

use crate::error::{Detail, Error, Kind, Result, limit};
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard;
use crate::identity::login::guard::Attempt;
use crate::identity::passkey;
use crate::identity::passkey::assertion::{self, AssertionOutcome, ExpectedAssertion};
use crate::identity::passkey::challenge::{self, ChallengePurpose};
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::{AuthMethod, Event, Password, Secret, Source};
use crate::password::pool::Lane;
use crate::password::rules;
use crate::store;
use crate::webauthn::{AssertionResponse, RequestOptions, UserVerification};

/// What a caller confirms its identity with.
#[derive(Debug, Clone)]
pub enum ReauthenticationProof {
    Password(Password),
    /// A code of the second factor.
    Code(Secret),
    /// A passkey or security key, which signed a challenge of [`passkey_options`].
    Passkey(Box<AssertionResponse>),
}

/// Renews the proof of identity of the caller's session.
///
/// # Errors
/// `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`, `SessionEnded`,
/// `ReauthenticationRequired` for a password where the session has to show a second factor; for a code, the
/// errors of [`crate::identity::factor::show`]; for a key, `PasskeyInvalid`.
pub async fn renew(
    core: &Core,
    caller: &Caller,
    proof: ReauthenticationProof,
    _counted: &Counted<limit::Reauthenticate>,
    source: &Source,
) -> Result<()> {
    let attempt = match proof {
        ReauthenticationProof::Password(password) => {
            fresh::need_second_factor(core, caller).await?;
            check_password(core, caller, password, What::Reauthenticated, source).await?
        }
        ReauthenticationProof::Code(code) => {
            return crate::identity::factor::show(core, caller, code.reveal(), source).await;
        }
        ReauthenticationProof::Passkey(response) => {
            return renew_with_key(core, caller, &response, source).await;
        }
    };
    let (log, account, session) =
        (AuditLog::new(core, source), caller.account.id.clone(), caller.session().clone());
    core.store
        .write(move |db| {
            attempt.forgive(db)?;
            let proved = AuthMethod::Password.into();
            if !store::tables::sessions::renew_proof(db, &session, &proved, log.at())? {
                return Err(Kind::SessionEnded.into());
            }
            let event = Event::done(What::Reauthenticated).about(&account).in_session(&session);
            log.record(db, &event.by(account.as_str()))
        })
        .await
}

/// What the browser needs to ask for a key that renews the proof of the caller's session.
///
/// # Errors
/// `NotFound` if the account has no key, `Unavailable`.
pub async fn passkey_options(core: &Core, caller: &Caller) -> Result<RequestOptions> {
    let (id, config) = (caller.account.id.clone(), core.config.clone());
    let (keys, rp_id) = core
        .store
        .read(move |db| Ok((store::tables::passkeys::of(db, &id)?, passkey::domain(db, &config)?)))
        .await?;
    if keys.is_empty() {
        return Err(Detail::UnknownPasskey.into());
    }
    let session = caller.session().as_str().as_bytes();
    Ok(RequestOptions {
        challenge: challenge::new(core, ChallengePurpose::Reauthentication, session)?,
        timeout: challenge::TIMEOUT,
        rp_id,
        allow: keys.iter().map(passkey::descriptor).collect(),
        user_verification: UserVerification::Preferred,
    })
}

/// Renews the proof of the session with a key. A passkey has to check who the person is; a security
/// key proves as much as a code.
async fn renew_with_key(
    core: &Core,
    caller: &Caller,
    response: &AssertionResponse,
    source: &Source,
) -> Result<()> {
    let (account, session) = (caller.account.id.clone(), caller.session().clone());
    let expected = ExpectedAssertion {
        purposes: &[ChallengePurpose::Reauthentication],
        bound_to: session.as_str().as_bytes(),
        owner: Some(&account),
    };
    let log = AuditLog::new(core, source);
    let refusal = match assertion::check(core, response, expected).await? {
        AssertionOutcome::Genuine(shown)
            if shown.is_security_key() || shown.as_both_factors().is_some() =>
        {
            let event = Event::done(What::Reauthenticated).about(&account).in_session(&session);
            let event = event.by(account.as_str()).because(shown.described());
            return core
                .store
                .write(move |db| {
                    shown.record(db, &log)?;
                    let proved = shown.methods();
                    if !store::tables::sessions::renew_proof(db, &session, &proved, log.at())? {
                        return Err(Kind::SessionEnded.into());
                    }
                    log.record(db, &event)
                })
                .await;
        }
        AssertionOutcome::Genuine(shown) => shown.refuse_unverified(),
        AssertionOutcome::Refused(refusal) => refusal,
    };
    let event = Event::refused(What::Reauthenticated).about(&account).in_session(&session);
    let event = event.by(account.as_str()).because(refusal.why);
    core.store.write(move |db| log.record(db, &event)).await?;
    Err(refusal.error)
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
