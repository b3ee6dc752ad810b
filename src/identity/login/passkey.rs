//! Logging in with a passkey alone. Its authenticator checks who the person is, so it counts as both
//! factors.

use crate::error::{Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::burst::{self, FailedLogin};
use crate::identity::login::gate::{Issued, NewSession, Proof};
use crate::identity::login::guard;
use crate::identity::login::remember::Remember;
use crate::identity::passkey;
use crate::identity::passkey::assertion::{
    self, AssertionOutcome, AssertionRefusal, ExpectedAssertion,
};
use crate::identity::passkey::challenge::{self, ChallengePurpose, TIMEOUT};
use crate::model::account::Status;
use crate::model::event::What;
use crate::model::{AccountId, Event, Source};
use crate::store;
use crate::webauthn::{AssertionResponse, RequestOptions, UserVerification};

/// What the browser needs to ask for a passkey. It names none: the person chooses among those that their
/// devices find, so the answer tells nothing of any account.
///
/// # Errors
/// `Forbidden` where passkeys are off, `Unavailable`.
pub async fn options(
    core: &Core,
    _counted: &Counted<limit::PasskeyOptions>,
) -> Result<RequestOptions> {
    passkey::refuse_where_off(core)?;
    let config = core.config.clone();
    let rp_id = core.store.read(move |db| passkey::domain(db, &config)).await?;
    Ok(RequestOptions {
        challenge: challenge::new(core, ChallengePurpose::Login, b"")?,
        timeout: TIMEOUT,
        rp_id,
        allow: Vec::new(),
        user_verification: UserVerification::Required,
    })
}

/// Checks a passkey and issues a session at the gate.
///
/// # Errors
/// `PasskeyInvalid` for an unknown key, a wrong signature, a challenge that is late or was answered
/// before, and a key whose authenticator did not check who the person is. For a genuine one
/// `EmailUnverified`, `AccountSuspended`, `AccountDeleted`. `Forbidden` where passkeys are off.
pub async fn complete(
    core: &Core,
    response: &AssertionResponse,
    remember: Remember,
    _counted: &Counted<limit::Passkey>,
    source: &Source,
) -> Result<Issued> {
    passkey::refuse_where_off(core)?;
    let purposes = &[ChallengePurpose::Login];
    let expected = ExpectedAssertion { purposes, bound_to: b"", owner: None };
    let shown = match assertion::check(core, response, expected).await? {
        AssertionOutcome::Genuine(shown) => shown,
        AssertionOutcome::Refused(refusal) => return Err(refuse(core, refusal, source).await?),
    };
    let Some(proof) = shown.as_both_factors() else {
        return Err(refuse(core, shown.refuse_unverified(), source).await?);
    };
    let kind = match shown.account.status(core.verification()) {
        Status::Active => None,
        Status::Pending => Some((Kind::EmailUnverified, "unverified")),
        Status::Suspended => Some((Kind::AccountSuspended, "suspended")),
        Status::Deleted => Some((Kind::AccountDeleted, "deleted")),
    };
    if let Some((kind, why)) = kind {
        let (log, event) = (AuditLog::new(core, source), Event::refused(What::Login));
        let event = event.about(&shown.account.id).because(why);
        core.store.write(move |db| log.record(db, &event)).await?;
        return Err(kind.into());
    }
    let account = shown.account.clone();
    let new_session =
        NewSession::prepare(core, account, Proof::Passkey(proof), remember, source).await?;
    let (inside, log) = (new_session.clone(), AuditLog::new(core, source));
    let opened = core
        .store
        .write(move |db| {
            shown.record(db, &log)?;
            inside.open(db)
        })
        .await
        .map_err(|error| {
            if error.kind() == Kind::InvalidCredentials {
                Kind::PasskeyInvalid.into()
            } else {
                error
            }
        })?;
    new_session.outcome(core, opened).await?.into_issued()
}

/// Records a refused login. Returns the error to answer with.
async fn refuse(core: &Core, refusal: AssertionRefusal, source: &Source) -> Result<Error> {
    let AssertionRefusal { account, why, error } = refusal;
    // An unknown key is looked up too, so that both take the same time.
    let id = account.unwrap_or_else(|| AccountId::new(""));
    let account = core.store.read(move |db| store::tables::accounts::find(db, &id)).await?;
    let name_key = account.as_ref().map(|account| guard::key_of(core, account));
    let log = AuditLog::new(core, source);
    let client_key = core.master.mac("failures from", &source.client().to_bytes());
    let account = account.map(|account| account.id);
    let event = Event { account, ..Event::refused(What::Login) }.because(why);
    core.store
        .write(move |db| {
            log.record(db, &event)?;
            let (name_key, account) = (name_key.as_ref(), event.account.as_ref());
            let failed = FailedLogin { client_key: &client_key, name_key, account };
            burst::note_failure(db, &log, &failed)
        })
        .await?;
    Ok(error)
}
