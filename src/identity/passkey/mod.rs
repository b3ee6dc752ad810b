//! Passkeys and security keys of accounts: adding, listing, renaming and removing them, and checking
//! what they sign. For logins with them see `login::passkey` and `login::passkey_step`.
//!
//! A passkey logs in without a password. Because the authenticator checks who the person is, it
//! counts as both factors. A security key is a second factor: logins with the password ask for it.
//! Every change but a rename raises the account's credential version, and the owner gets a mail.

pub mod assertion;
pub(in crate::identity) mod challenge;
mod manage;
mod name;
mod register;

pub(in crate::identity) use manage::remove_since;
pub use manage::{PasskeyList, list, list_of, remove, remove_of, rename};
pub use name::PasskeyName;
pub use register::{NewKey, options, register};

use crate::config::Config;
use crate::error::{Detail, Result};
use crate::identity::Core;
use crate::mail::RemainingPasskeys;
use crate::model::{AccountId, Passkey, PasskeyKind, Secret};
use crate::store;
use crate::store::db::Db;
use crate::webauthn::{AuthenticatorTransport, CredentialDescriptor, RelyingParty, aaguid};

/// The name under which the domain that the keys are bound to stands in the database.
pub const DOMAIN: &str = "rp_id";

/// The name of a key's authenticator, from a fixed list.
#[must_use]
pub fn authenticator(passkey: &Passkey) -> &'static str {
    aaguid::name(&passkey.aaguid)
}

/// Which key it is, for the audit log.
pub(in crate::identity) fn described(passkey: &Passkey) -> String {
    format!("{} {} ({})", passkey.kind.as_str(), passkey.id, authenticator(passkey))
}

/// The domain that keys are bound to: the one of the first key, or else the configured one.
pub(in crate::identity) fn domain(db: &mut dyn Db, config: &Config) -> Result<String> {
    let kept = store::tables::instance::text(db, DOMAIN)?;
    Ok(kept.unwrap_or_else(|| config.passkey_domain()))
}

/// The domain that the passkeys in this database are bound to; `None` before the first.
///
/// # Errors
/// `Unavailable`.
pub async fn bound_to(core: &Core) -> Result<Option<String>> {
    core.store.read(|db| store::tables::instance::text(db, DOMAIN)).await
}

/// The relying party: the domain, and the pages that may use its keys.
pub(in crate::identity) fn party(db: &mut dyn Db, config: &Config) -> Result<RelyingParty> {
    Ok(RelyingParty { id: domain(db, config)?, origins: config.passkey_origins() })
}

/// The passkeys that go on logging in to an account whose password is set. A mailed reset removes none:
/// otherwise a stranger who reads the mailbox would get past them.
pub(in crate::identity) async fn remaining(
    core: &Core,
    account: &AccountId,
) -> Result<Option<RemainingPasskeys>> {
    let id = account.clone();
    let keys = core.store.read(move |db| store::tables::passkeys::of(db, &id)).await?;
    let passkeys: Vec<_> = keys
        .iter()
        .filter(|key| key.kind == PasskeyKind::Passkey)
        .map(|key| (authenticator(key), key.created_at))
        .collect();
    let page = core.config.serves_pages().then(|| {
        Secret::new(format!("{}/account/passkeys", core.config.public_url().trim_end_matches('/')))
    });
    Ok((!passkeys.is_empty()).then_some(RemainingPasskeys { passkeys, page }))
}

/// Refuses what only works where passkeys are on.
pub(in crate::identity) fn refuse_where_off(core: &Core) -> Result<()> {
    if core.config.webauthn.enabled { Ok(()) } else { Err(Detail::PasskeysOff.into()) }
}

/// Names a key to the browser.
pub(in crate::identity) fn descriptor(passkey: &Passkey) -> CredentialDescriptor {
    CredentialDescriptor {
        id: passkey.credential_id.clone(),
        transports: AuthenticatorTransport::known(passkey.transports.split_whitespace()),
    }
}
