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
use crate::identity::login::sign_in::Name;
use crate::identity::passkey;
use crate::identity::passkey::assertion::{
    self, AssertionOutcome, AssertionRefusal, ExpectedAssertion,
};
use crate::identity::passkey::challenge::{self, ChallengePurpose, TIMEOUT};
use crate::model::account::Status;
use crate::model::event::What;
use crate::model::{AccountId, Event, PasskeyKind, Source};
use crate::store;
use crate::webauthn::{
    AssertionResponse, AuthenticatorTransport, CredentialDescriptor, RequestOptions,
    UserVerification,
};

/// What the browser needs to ask for a passkey. Without a name, the person chooses among the passkeys
/// that their devices find. With one, the answer does not depend on whether there is such an account:
/// one without keys has made-up credentials, always the same.
///
/// # Errors
/// `Forbidden` where passkeys are off, `Unavailable`.
pub async fn options(
    core: &Core,
    name: Option<&Name>,
    _counted: &Counted<limit::PasskeyOptions>,
) -> Result<RequestOptions> {
    passkey::refuse_where_off(core)?;
    let config = core.config.clone();
    let (purpose, allow, rp_id) = match name {
        None => {
            let rp_id = core.store.read(move |db| passkey::domain(db, &config)).await?;
            (ChallengePurpose::Login, Vec::new(), rp_id)
        }
        Some(name) => {
            let (wanted, key) = (name.clone(), name.key());
            let (keys, rp_id) = core
                .store
                .read(move |db| {
                    let account = match &wanted {
                        Name::Email(_) => store::tables::accounts::find_by_email(db, &key)?,
                        Name::Username(_) => store::tables::accounts::find_by_username(db, &key)?,
                    };
                    // Unknown names are looked up too, so that both take the same time.
                    let id = account.map_or_else(|| AccountId::new(""), |account| account.id);
                    Ok((store::tables::passkeys::of(db, &id)?, passkey::domain(db, &config)?))
                })
                .await?;
            let made_up = made_up(core, name);
            let passkeys = keys.iter().filter(|key| key.kind == PasskeyKind::Passkey);
            let real: Vec<_> = passkeys.map(passkey::descriptor).collect();
            (ChallengePurpose::NamedLogin, if real.is_empty() { made_up } else { real }, rp_id)
        }
    };
    Ok(RequestOptions {
        challenge: challenge::new(core, purpose, b"")?,
        timeout: TIMEOUT,
        rp_id,
        allow,
        user_verification: UserVerification::Required,
    })
}

/// The lengths of the credential IDs that common authenticators make.
const LENGTHS: [usize; 4] = [16, 20, 32, 32];

/// Credentials for a name without keys. A keyed hash of the name makes them, so that they are the
/// same each time and tell nothing.
fn made_up(core: &Core, name: &Name) -> Vec<CredentialDescriptor> {
    let bytes = |label: &str| core.master.mac(label, name.key().as_bytes());
    let shape = bytes("passkey decoy shape");
    let count = match shape[0] {
        0..192 => 1,
        192..240 => 2,
        _ => 3,
    };
    let one = |at: usize| {
        let length = LENGTHS[usize::from(shape[1 + at]) % LENGTHS.len()];
        let id = bytes(&format!("passkey decoy {at}"))[..length].to_vec();
        let transports = vec![AuthenticatorTransport::Hybrid, AuthenticatorTransport::Internal];
        CredentialDescriptor { id, transports }
    };
    (0..count).map(one).collect()
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
    let purposes = [ChallengePurpose::Login, ChallengePurpose::NamedLogin];
    let expected = ExpectedAssertion { purposes: &purposes, bound_to: b"", owner: None };
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
