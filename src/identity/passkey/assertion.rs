//! Checking what an authenticator has signed, and recording that a key was used.

use super::challenge::{self, ChallengePurpose, OpenChallenge};
use super::{described, party};
use crate::error::{Detail, Error, Kind, Result};
use crate::identity::Core;
use crate::identity::audit::log::AuditLog;
use crate::mail::{Letter, PasskeyChange};
use crate::model::event::What;
use crate::model::{
    Account, AccountId, AuthMethod, AuthMethods, Event, Passkey, PasskeyKind, secret,
};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::passkeys::PasskeyUse;
use crate::webauthn::{AssertionResponse, CeremonyError, PublicKey, VerifiedAssertion};

/// A key of ES256 as a `COSE_Key` in base64url: the generator of its curve. The signature of an
/// unknown credential is checked against it, so that this takes as long as for a known one.
const DUMMY_KEY: &str = "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWIlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";

/// What an assertion must answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::identity) struct ExpectedAssertion<'a> {
    pub(in crate::identity) purposes: &'a [ChallengePurpose],
    /// What the challenge must be bound to.
    pub(in crate::identity) bound_to: &'a [u8],
    /// Whose key it must be; `None` where the key says whose it is.
    pub(in crate::identity) owner: Option<&'a AccountId>,
}

/// The outcome of checking an assertion.
pub(in crate::identity) enum AssertionOutcome {
    Genuine(Box<ShownPasskey>),
    Refused(AssertionRefusal),
}

/// Why an assertion was refused, for the audit log and for the client.
#[derive(Debug)]
pub(in crate::identity) struct AssertionRefusal {
    /// The account that the key belongs to, if there is such a key.
    pub(in crate::identity) account: Option<AccountId>,
    /// The detail of the audit event.
    pub(in crate::identity) why: String,
    pub(in crate::identity) error: Error,
}

impl AssertionRefusal {
    fn of(key: Option<&Passkey>, why: &str, error: impl Into<Error>) -> Self {
        Self {
            account: key.map(|key| key.account.clone()),
            why: key.map_or_else(|| why.to_owned(), |key| format!("{why}: {}", described(key))),
            error: error.into(),
        }
    }
}

/// A key whose assertion is genuine. It counts only once [`ShownPasskey::record`] has spent its
/// challenge.
#[derive(Clone)]
pub(in crate::identity) struct ShownPasskey {
    pub(in crate::identity) account: Account,
    passkey: Passkey,
    verified: VerifiedAssertion,
    challenge: OpenChallenge,
    /// The mail to the owner if the counter went back for the first time.
    warning: Option<OutgoingMessage>,
}

/// Proof that the owner showed a key and that the authenticator checked who they are. Only
/// `ShownPasskey::as_both_factors` gives one.
#[derive(Debug, Clone)]
pub struct UserVerifiedKey {
    methods: AuthMethods,
    key: String,
}

impl UserVerifiedKey {
    /// How the owner proved their identity.
    #[must_use]
    pub fn methods(&self) -> &AuthMethods {
        &self.methods
    }

    /// Which key it was, for the audit log.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// What the database knows about a credential.
struct CredentialRecord {
    passkey: Option<Passkey>,
    account: Option<Account>,
    handle: Option<Vec<u8>>,
}

/// Checks an assertion. Nothing is written yet.
///
/// # Errors
/// `Unavailable`.
pub(in crate::identity) async fn check(
    core: &Core,
    response: &AssertionResponse,
    expected: ExpectedAssertion<'_>,
) -> Result<AssertionOutcome> {
    let refuse = |why: &str, error: Error| {
        Ok(AssertionOutcome::Refused(AssertionRefusal::of(None, why, error)))
    };
    let Ok(sent) = response.challenge() else {
        return refuse(CeremonyError::Malformed.as_str(), Kind::PasskeyInvalid.into());
    };
    let Some(challenge) = challenge::open(core, &sent, expected.purposes, expected.bound_to) else {
        return refuse("stale_challenge", Detail::PasskeyChallengeStale.into());
    };
    let id = response.id.clone();
    let (found, party) = core
        .store
        .read({
            let config = core.config.clone();
            move |db| Ok((look_up(db, &id)?, party(db, &config)?))
        })
        .await?;
    let known = found.passkey.as_ref();
    let bytes = known.map(|passkey| passkey.public_key.clone());
    let bytes = bytes.or_else(|| secret::decode(DUMMY_KEY)).unwrap_or_default();
    let key = PublicKey::parse(&bytes)
        .map_err(|error| Error::internal("a public key is unusable").caused_by(error))?;
    let verified = match response.verify(&party, &sent, &key) {
        Ok(verified) => verified,
        Err(error) => {
            let refusal = AssertionRefusal::of(known, error.as_str(), Kind::PasskeyInvalid);
            return Ok(AssertionOutcome::Refused(refusal));
        }
    };
    let refuse_key = |why: &str| {
        let refusal = AssertionRefusal::of(known, why, Kind::PasskeyInvalid);
        Ok(AssertionOutcome::Refused(refusal))
    };
    let (Some(passkey), Some(account)) = (known.cloned(), found.account) else {
        return refuse_key("unknown_passkey");
    };
    if expected.owner.is_some_and(|owner| *owner != passkey.account) {
        return refuse_key("other_account");
    }
    let is_handle_right = match &response.user_handle {
        Some(handle) => found.handle.as_ref() == Some(handle),
        None => challenge.purpose != ChallengePurpose::Login,
    };
    if !is_handle_right {
        return refuse_key("user_handle");
    }
    let warning = warning(core, &account, &passkey, verified)?;
    let shown = ShownPasskey { account, passkey, verified, challenge, warning };
    Ok(AssertionOutcome::Genuine(Box::new(shown)))
}

/// Reads a credential. An unknown one costs as many lookups.
fn look_up(db: &mut dyn Db, id: &[u8]) -> Result<CredentialRecord> {
    let passkey = store::tables::passkeys::find(db, id)?;
    let owner =
        passkey.as_ref().map_or_else(|| AccountId::new(""), |passkey| passkey.account.clone());
    Ok(CredentialRecord {
        account: store::tables::accounts::find(db, &owner)?,
        handle: store::tables::passkeys::handle(db, &owner)?,
        passkey,
    })
}

/// Whether the counter went back: the key may have been copied. An authenticator that does not count
/// always sends 0.
fn is_regressed(passkey: &Passkey, verified: VerifiedAssertion) -> bool {
    let sent = i64::from(verified.sign_count);
    (passkey.sign_count != 0 || sent != 0) && sent <= passkey.sign_count
}

fn warning(
    core: &Core,
    account: &Account,
    passkey: &Passkey,
    verified: VerifiedAssertion,
) -> Result<Option<OutgoingMessage>> {
    if passkey.suspect_at.is_some() || !is_regressed(passkey, verified) {
        return Ok(None);
    }
    let change = PasskeyChange::Suspect(super::authenticator(passkey));
    let letter = Letter::PasskeyChanged { change };
    core.mail.compose_for(account, core.language_of(account), &letter)
}

impl ShownPasskey {
    /// How the owner proved their identity with it.
    pub(in crate::identity) fn methods(&self) -> AuthMethods {
        let can_be_copied = self.passkey.backup_eligible || self.verified.backup_eligible;
        let key = if can_be_copied { AuthMethod::SoftwareKey } else { AuthMethod::HardwareKey };
        let methods = AuthMethods::from(key);
        if self.verified.user_verified {
            methods.with(AuthMethod::UserVerification)
        } else {
            methods
        }
    }

    /// Which key it is, for the audit log.
    pub(in crate::identity) fn described(&self) -> String {
        described(&self.passkey)
    }

    /// The proof that it counts as both factors: possession, and what the authenticator checked.
    /// `None` where the authenticator did not check who the person is, and for a key that was not
    /// added as a passkey: a thief can give a security key without a PIN one of their own.
    pub(in crate::identity) fn as_both_factors(&self) -> Option<UserVerifiedKey> {
        let proof = UserVerifiedKey { methods: self.methods(), key: self.described() };
        let is_checked = self.verified.user_verified && self.passkey.user_verified;
        (is_checked && !self.is_security_key()).then_some(proof)
    }

    /// The refusal of a key that would have to count as both factors and does not.
    pub(in crate::identity) fn refuse_unverified(&self) -> AssertionRefusal {
        let error = Detail::PasskeyUserVerification;
        AssertionRefusal::of(Some(&self.passkey), "user_not_verified", error)
    }

    /// Spends the challenge and records the use, inside the write that it leads to.
    ///
    /// # Errors
    /// `PasskeyInvalid` if the challenge was answered before, or the key has been removed since.
    pub(in crate::identity) fn record(&self, db: &mut dyn Db, log: &AuditLog) -> Result<()> {
        let (passkey, verified) = (&self.passkey, self.verified);
        if !self.challenge.spend(db, log.at())? {
            return Err(Detail::PasskeyChallengeStale.into());
        }
        let regressed = is_regressed(passkey, verified);
        let used = PasskeyUse {
            sign_count: verified.sign_count.into(),
            backup_eligible: verified.backup_eligible,
            backed_up: verified.backed_up,
            regressed,
        };
        if !store::tables::passkeys::note_use(db, &passkey.id, &used, log.at())? {
            return Err(Kind::PasskeyInvalid.into());
        }
        let event = |what| {
            let event = Event::done(what).about(&passkey.account).by(passkey.account.as_str());
            event.because(described(passkey))
        };
        if verified.backup_eligible && !passkey.backup_eligible {
            log.record(db, &event(What::PasskeySyncable))?;
        }
        if regressed {
            log.record(db, &event(What::PasskeySuspect))?;
        }
        match &self.warning {
            Some(warning) => outbox::enqueue(db, warning),
            None => Ok(()),
        }
    }

    /// Whether it is a second factor alone.
    pub(in crate::identity) fn is_security_key(&self) -> bool {
        self.passkey.kind == PasskeyKind::SecurityKey
    }
}
