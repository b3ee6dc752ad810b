//! Completing a pending login with a security key or a passkey, as its second factor.

use crate::error::{Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::audit::log::AuditLog;
use crate::identity::factor::guesses::FactorGuesses;
use crate::identity::factor::no_such_method;
use crate::identity::login::challenge::{ATTEMPTS, ChallengeWithAccount, find};
use crate::identity::login::gate::{Issued, NewSession, Proof};
use crate::identity::login::pending::{Completed, LIFE};
use crate::identity::login::remember::Remember;
use crate::identity::passkey;
use crate::identity::passkey::assertion::{
    self, AssertionOutcome, AssertionRefusal, ExpectedAssertion,
};
use crate::identity::passkey::challenge::{self, ChallengePurpose, TIMEOUT};
use crate::model::event::What;
use crate::model::{Event, Method, Source};
use crate::store;
use crate::webauthn::{AssertionResponse, RequestOptions, UserVerification};

/// What the browser needs to ask for a key that completes this login.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `Validation` if the login offers no key, `Unavailable`.
pub async fn options(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::FactorSent>,
    source: &Source,
) -> Result<RequestOptions> {
    let found = find(core, token, source).await?;
    if !found.row.methods.contains(&Method::Passkey) {
        return Err(no_such_method());
    }
    let (id, config) = (found.account.id.clone(), core.config.clone());
    let (keys, rp_id) = core
        .store
        .read(move |db| Ok((store::tables::passkeys::of(db, &id)?, passkey::domain(db, &config)?)))
        .await?;
    Ok(RequestOptions {
        challenge: challenge::new(core, ChallengePurpose::SecondFactor, &found.row.hash)?,
        timeout: TIMEOUT,
        rp_id,
        allow: keys.iter().map(passkey::descriptor).collect(),
        user_verification: UserVerification::Discouraged,
    })
}

/// Completes a login with a key and issues its session. A wrong answer uses up one of the attempts
/// of the login.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `PasskeyInvalid`.
pub async fn complete(
    core: &Core,
    token: &str,
    response: &AssertionResponse,
    _counted: &Counted<limit::Factor>,
    source: &Source,
) -> Result<Issued> {
    let found = find(core, token, source).await?;
    if !found.row.methods.contains(&Method::Passkey) {
        return Err(no_such_method());
    }
    let expected = ExpectedAssertion {
        purposes: &[ChallengePurpose::SecondFactor],
        bound_to: &found.row.hash,
        owner: Some(&found.account.id),
    };
    let shown = match assertion::check(core, response, expected).await? {
        AssertionOutcome::Genuine(shown) => shown,
        AssertionOutcome::Refused(refusal) => {
            return Err(refuse(core, &found, refusal, source).await?);
        }
    };
    let ChallengeWithAccount { row, account, familiarity, .. } = found;
    let remember = if row.remember { Remember::Long } else { Remember::Short };
    let guesses = FactorGuesses::new(core, &account, familiarity, source)?;
    let proof = Proof::Factor(Completed::of(&row));
    let new_session = NewSession::prepare(core, account, proof, remember, source).await?;
    let new_session = new_session.completed_by(&shown.methods());
    let (inside, log) = (new_session.clone(), AuditLog::new(core, source));
    let opened = core
        .store
        .write(move |db| {
            shown.record(db, &log)?;
            let id = &shown.account.id;
            let event = Event::done(What::FactorShown).about(id).by(id.as_str());
            log.record(db, &event.because(shown.described()))?;
            guesses.end(db)?;
            if !store::tables::challenges::spend(db, &row.hash, log.at())? {
                return Err(Kind::TokenInvalid.into());
            }
            inside.open(db)
        })
        .await
        .map_err(|error| {
            if error.kind() == Kind::InvalidCredentials { Kind::TokenInvalid.into() } else { error }
        })?;
    new_session.outcome(core, opened).await?.into_issued()
}

/// Counts and records a wrong answer. Returns the error to answer with.
async fn refuse(
    core: &Core,
    found: &ChallengeWithAccount,
    refusal: AssertionRefusal,
    source: &Source,
) -> Result<Error> {
    let AssertionRefusal { why, error, .. } = refusal;
    let (log, hash) = (AuditLog::new(core, source), found.row.hash);
    let event = Event::refused(What::FactorShown).about(&found.account.id).because(why);
    core.store
        .write(move |db| {
            store::tables::challenges::count_attempt(db, &hash, ATTEMPTS, log.at() - LIFE)?;
            log.record(db, &event)
        })
        .await?;
    Ok(error)
}
