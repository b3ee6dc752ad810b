//! Adding a passkey or a security key to an account.

use super::challenge::{self, ChallengePurpose, OpenChallenge, TIMEOUT};
use super::{
    DOMAIN, PasskeyName, authenticator, described, descriptor, domain, party, refuse_where_off,
};
use crate::error::{Detail, Kind, Result};
use crate::identity::access::fresh::Fresh;
use crate::identity::account::not_me::NotMeLink;
use crate::identity::audit::log::AuditLog;
use crate::identity::factor::backup;
use crate::identity::{Caller, Core};
use crate::mail::{AddedMethod, Letter};
use crate::model::event::What;
use crate::model::{Account, AuthMethod, Event, Passkey, PasskeyKind, Secret, Source};
use crate::outbox;
use crate::store;
use crate::store::db::Db;
use crate::webauthn::{
    CreationOptions, RegistrationResponse, ResidentKey, UserVerification, aaguid,
};

/// The most keys that an account can have.
const MOST: usize = 20;

/// A key that was just added.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub passkey: Passkey,
    /// Backup codes, if this is the first factor that guards the account. They are shown only here.
    pub backup_codes: Vec<Secret>,
}

/// What a challenge to add a key is bound to: the session that asked.
fn bound_to(caller: &Caller) -> Vec<u8> {
    format!("{}|{}", caller.account.id, caller.session()).into_bytes()
}

/// An address that nobody has proved may be another party's, who would void the keys.
fn may_add(core: &Core, account: &Account) -> Result<()> {
    refuse_where_off(core)?;
    if account.is_unproved() {
        return Err(Detail::AddressUnverified.into());
    }
    Ok(())
}

/// What the browser needs to make a key for the caller's account.
///
/// # Errors
/// `Forbidden` where keys cannot be added or the address is unverified, `AlreadyExists` beyond the
/// maximum, `Unavailable`.
pub async fn options(core: &Core, fresh: &Fresh, kind: PasskeyKind) -> Result<CreationOptions> {
    let caller = fresh.caller();
    let account = &caller.account;
    may_add(core, account)?;
    let (purpose, resident_key, user_verification) = match kind {
        PasskeyKind::Passkey => {
            (ChallengePurpose::NewPasskey, ResidentKey::Required, UserVerification::Required)
        }
        PasskeyKind::SecurityKey => (
            ChallengePurpose::NewSecurityKey,
            ResidentKey::Discouraged,
            UserVerification::Discouraged,
        ),
    };
    let (id, config) = (account.id.clone(), core.config.clone());
    let (keys, handle, rp_id) = core
        .store
        .read(move |db| {
            let keys = store::tables::passkeys::of(db, &id)?;
            let handle = store::tables::passkeys::handle(db, &id)?;
            Ok((keys, handle.ok_or(Kind::SessionEnded)?, domain(db, &config)?))
        })
        .await?;
    if keys.len() >= MOST {
        return Err(Detail::TooManyPasskeys.into());
    }
    let name = account.username.clone().unwrap_or_else(|| account.label());
    Ok(CreationOptions {
        challenge: challenge::new(core, purpose, &bound_to(caller))?,
        timeout: TIMEOUT,
        rp_id,
        rp_name: core.config.service.name.clone(),
        user_handle: handle,
        user_display_name: display_name(account).unwrap_or_else(|| name.clone()),
        user_name: name,
        exclude: keys.iter().map(descriptor).collect(),
        resident_key,
        user_verification,
    })
}

/// The person's name, as far as it is known.
fn display_name(account: &Account) -> Option<String> {
    let parts = [&account.first_name, &account.last_name];
    let whole = parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    account.name.clone().or(Some(whole)).filter(|name| !name.trim().is_empty())
}

/// Adds the key that the browser made. The first key of a database fixes the domain that all keys
/// are bound to.
///
/// # Errors
/// `PasskeyRejected` if the answer is not genuine, late or of another session; `AlreadyExists` if
/// an account has this key, or the account too many; `Forbidden`, `Conflict`.
pub async fn register(
    core: &Core,
    fresh: &Fresh,
    response: &RegistrationResponse,
    name: Option<&PasskeyName>,
    source: &Source,
) -> Result<NewKey> {
    let caller = fresh.caller();
    may_add(core, &caller.account)?;
    let GenuineRegistration { key, challenge, rp_id } =
        match verify(core, caller, response, name).await? {
            RegistrationOutcome::Genuine(genuine) => *genuine,
            RegistrationOutcome::Refused(why, refusal) => {
                let log = AuditLog::new(core, source);
                let id = &caller.account.id;
                let event = Event::refused(What::PasskeyAdded).about(id).by(id.as_str());
                let event = event.in_session(caller.session()).because(why);
                core.store.write(move |db| log.record_refusal(db, &event)).await?;
                return Err(refusal.into());
            }
        };
    let (backup_codes, hashes) = backup::new_set(core, &caller.account.id)?;
    let account = &caller.account;
    let (not_me, link) = NotMeLink::new(core, account)?;
    let change = AddedMethod::Passkey(authenticator(&key), key.kind);
    let letter = Letter::LoginMethodAdded { change, link, until: not_me.until() };
    let letter = core.mail.compose_for(account, core.language_of(account), &letter)?;
    let (log, account, new) = (AuditLog::new(core, source), account.clone(), key.clone());
    let session = caller.session().clone();
    let has_codes = core
        .store
        .write(move |db| {
            if !challenge.spend(db, log.at())? {
                return Err(Detail::RegistrationStale.into());
            }
            let guarded = store_key(db, &account, &new, &rp_id)?;
            let is_first_factor = new.kind == PasskeyKind::SecurityKey && !guarded;
            if is_first_factor {
                // The session has shown the key that guards the account from now on.
                let shown = key_method(&new).into();
                store::tables::sessions::add_methods(db, &session, &shown)?;
                let id = &account.id;
                store::tables::sessions::forget_factors_shown(db, id, &session)?;
                store::tables::factors::drop_backup_codes(db, id)?;
                store::tables::factors::insert_backup_codes(db, id, &hashes, None, log.at())?;
            }
            let event = Event::done(What::PasskeyAdded).about(&account.id).by(account.id.as_str());
            log.record(db, &event.because(described(&new)))?;
            not_me.store_addition(db, &session, &log)?;
            outbox::enqueue_all(db, &letter)?;
            Ok(is_first_factor)
        })
        .await?;
    let backup_codes = if has_codes { backup_codes } else { Vec::new() };
    Ok(NewKey { passkey: key, backup_codes })
}

/// What showing the key proves.
fn key_method(key: &Passkey) -> AuthMethod {
    if key.backup_eligible { AuthMethod::SoftwareKey } else { AuthMethod::HardwareKey }
}

/// The outcome of checking a registration.
enum RegistrationOutcome {
    Genuine(Box<GenuineRegistration>),
    /// Why, for the audit log, and the refusal.
    Refused(&'static str, Detail),
}

/// A key that an authenticator has made for this account.
struct GenuineRegistration {
    key: Passkey,
    challenge: OpenChallenge,
    /// The domain that the key is bound to.
    rp_id: String,
}

async fn verify(
    core: &Core,
    caller: &Caller,
    response: &RegistrationResponse,
    name: Option<&PasskeyName>,
) -> Result<RegistrationOutcome> {
    let purposes = [ChallengePurpose::NewPasskey, ChallengePurpose::NewSecurityKey];
    let sent = match response.challenge() {
        Ok(sent) => sent,
        Err(error) => {
            return Ok(RegistrationOutcome::Refused(error.as_str(), Detail::RegistrationRefused));
        }
    };
    let Some(challenge) = challenge::open(core, &sent, &purposes, &bound_to(caller)) else {
        return Ok(RegistrationOutcome::Refused("stale_challenge", Detail::RegistrationStale));
    };
    let config = core.config.clone();
    let party = core.store.read(move |db| party(db, &config)).await?;
    let made = match response.verify(&party, &sent) {
        Ok(made) => made,
        Err(error) => {
            return Ok(RegistrationOutcome::Refused(error.as_str(), Detail::RegistrationRefused));
        }
    };
    let kind = if challenge.purpose == ChallengePurpose::NewPasskey {
        PasskeyKind::Passkey
    } else {
        PasskeyKind::SecurityKey
    };
    if kind == PasskeyKind::Passkey && !made.user_verified {
        return Ok(RegistrationOutcome::Refused(
            "user_not_verified",
            Detail::RegistrationUserVerification,
        ));
    }
    let words: Vec<_> = response.transports.iter().map(|transport| transport.as_str()).collect();
    let key = Passkey {
        id: core.env.new_id()?,
        account: caller.account.id.clone(),
        kind,
        name: name.map_or_else(|| aaguid::name(&made.aaguid), PasskeyName::as_str).to_owned(),
        credential_id: made.id,
        public_key: made.public_key,
        aaguid: made.aaguid,
        transports: words.join(" "),
        sign_count: made.sign_count.into(),
        backup_eligible: made.backup_eligible,
        backed_up: made.backed_up,
        discoverable: response.discoverable,
        user_verified: made.user_verified,
        suspect_at: None,
        created_at: core.env.now(),
        last_used_at: None,
    };
    let genuine = GenuineRegistration { key, challenge, rp_id: party.id };
    Ok(RegistrationOutcome::Genuine(Box::new(genuine)))
}

/// Stores the key. Returns whether a second factor guarded the account before.
fn store_key(db: &mut dyn Db, account: &Account, new: &Passkey, rp_id: &str) -> Result<bool> {
    let (id, version) = (&account.id, account.credential_version);
    if !store::tables::accounts::raise_credential_version(db, id, version)? {
        return Err(Kind::Conflict.into());
    }
    store::tables::instance::set_text_if_absent(db, DOMAIN, rp_id)?;
    if store::tables::instance::text(db, DOMAIN)?.as_deref() != Some(rp_id) {
        return Err(Kind::Conflict.into());
    }
    let (passkeys, security_keys) = store::tables::passkeys::count(db, id)?;
    if usize::try_from(passkeys + security_keys).unwrap_or(MOST) >= MOST {
        return Err(Detail::TooManyPasskeys.into());
    }
    if !store::tables::passkeys::insert(db, new)? {
        return Err(Detail::PasskeyExists.into());
    }
    let factors = store::tables::factors::of(db, id)?;
    Ok(security_keys > 0 || factors.iter().any(|factor| factor.confirmed_at.is_some()))
}
