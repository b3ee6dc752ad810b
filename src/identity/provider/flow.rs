//! What travels through the browser between two calls of a login: sealed, bound to one purpose, and
//! used once. Nothing of it is stored until it is used.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ProviderFault, Result};
use crate::identity::Core;
use crate::identity::login::remember::Remember;
use crate::model::{Account, AccountId, Email, Secret, SessionId, Time, secret};
use crate::oidc::{IdTokenMark, ProviderAccount};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;

/// How long a person may take at the provider.
pub const FLOW_LIFE: Duration = Duration::from_mins(10);
/// How long a person may take to prove an address or the existing account.
pub const STEP_LIFE: Duration = Duration::from_mins(20);
/// How old a provider's answer may be when another code is asked for.
pub const ANSWER_LIFE: Duration = Duration::from_hours(1);
/// How often a mailed code may be typed.
const ATTEMPTS: u32 = 5;
/// The longest sealed record.
const LONGEST: usize = 8 * 1024;

/// A login at a provider that has begun.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::identity) struct Flow {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) redirect_uri: String,
    pub(super) is_long: bool,
    /// The account and session that the identity is for; `None`: it is to log in.
    pub(super) link: Option<(String, String)>,
    pub(super) made_at: i64,
}

/// A provider's answer that waits for a proof of the person.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::identity) struct WaitingIdentity {
    /// Random: attempts are counted by it.
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) issuer: String,
    pub(super) subject: String,
    /// The address that the provider stated.
    pub(super) stated: Option<String>,
    pub(super) is_proved: bool,
    pub(super) names: [Option<String>; 4],
    pub(super) acr: Option<String>,
    pub(super) is_long: bool,
    /// What the person has to do, and the address that it is about.
    pub(super) step: String,
    pub(super) about: Option<String>,
    pub(super) mailed: Option<MailedCode>,
    /// When the provider answered. A code renews the step, and never this.
    pub(super) answered_at: i64,
    pub(super) made_at: i64,
}

/// A code that was mailed.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::identity) struct MailedCode {
    /// The address that it was mailed to.
    pub(super) email: String,
    pub(super) code: String,
    /// Who had the address then.
    pub(super) holder: HolderMark,
}

/// The account that has an address, with its credentials and state at a moment, or nobody. It is a digest
/// because the length of a sealed record shows: it must not tell whether there is an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::identity) struct HolderMark(String);

impl HolderMark {
    pub(super) fn of(account: Option<&Account>) -> Self {
        let text = account.map_or_else(String::new, |account| {
            format!("{} {}", account.id.as_str(), account.credential_version)
        });
        Self(secret::encode(&secret::digest(text.as_bytes())))
    }

    /// Whether this account, or nobody, has the address still, and nothing about it has changed.
    pub(super) fn is_of(&self, account: Option<&Account>) -> bool {
        *self == Self::of(account)
    }
}

/// A kind of sealed record.
pub(super) trait SealedRecord: Serialize + DeserializeOwned {
    const PLACE: &'static str;
    const LIFE: Duration;

    fn made_at(&self) -> Time;
}

impl SealedRecord for Flow {
    const PLACE: &'static str = "provider flow";
    const LIFE: Duration = FLOW_LIFE;

    fn made_at(&self) -> Time {
        Time::from_millis(self.made_at)
    }
}

impl SealedRecord for WaitingIdentity {
    const PLACE: &'static str = "provider step";
    const LIFE: Duration = STEP_LIFE;

    fn made_at(&self) -> Time {
        Time::from_millis(self.made_at)
    }
}

/// Seals a record.
pub(super) fn seal<R: SealedRecord>(core: &Core, record: &R) -> Result<Secret> {
    let plain = serde_json::to_vec(record)
        .map_err(|error| Error::internal("a record cannot be written").caused_by(error))?;
    Ok(Secret::new(secret::encode(&core.master.seal(&core.env, R::PLACE, &plain)?)))
}

/// Opens a record.
///
/// # Errors
/// `ProviderRejected` if it was not sealed here, or too long ago.
pub(super) fn open<R: SealedRecord>(core: &Core, sealed: &Secret) -> Result<R> {
    let stale = || Error::from(ProviderFault::Stale);
    let text = sealed.reveal();
    let bytes = if text.len() <= LONGEST { secret::decode(text) } else { None };
    let plain = core.master.open(R::PLACE, &bytes.ok_or_else(stale)?).map_err(|_| stale())?;
    let record: R = serde_json::from_slice(&plain).map_err(|_| stale())?;
    let (now, made_at) = (core.env.now(), record.made_at());
    let is_in_time = made_at <= now && now.since(made_at) < R::LIFE;
    if is_in_time { Ok(record) } else { Err(stale()) }
}

impl Flow {
    /// How long the login lasts on this device.
    pub(super) fn remember(&self) -> Remember {
        if self.is_long { Remember::Long } else { Remember::Short }
    }

    /// Whether it began in this session of this account.
    pub(super) fn is_for(&self, account: &AccountId, session: &SessionId) -> bool {
        let of = |link: &(String, String)| link.0 == account.as_str() && link.1 == session.as_str();
        self.link.as_ref().is_some_and(of)
    }

    /// Spends it.
    ///
    /// # Errors
    /// `ProviderRejected` if it was used before.
    pub(super) fn spend(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        spend(db, &self.state, now)
    }
}

/// Marks something as used.
///
/// # Errors
/// `ProviderRejected` if it was used before.
pub(super) fn spend(db: &mut dyn Db, what: &str, now: Time) -> Result<()> {
    spend_key(db, &secret::digest(what.as_bytes()), FLOW_LIFE.max(STEP_LIFE), now)
}

/// Marks an ID token of an app as used, for as long as it could be sent again.
///
/// # Errors
/// `ProviderRejected` if it was used before.
pub(super) fn spend_token(db: &mut dyn Db, mark: IdTokenMark, now: Time) -> Result<()> {
    spend_key(db, &mark.digest, mark.life, now)
}

fn spend_key(db: &mut dyn Db, key: &[u8; 32], life: Duration, now: Time) -> Result<()> {
    match attempts::count(db, Scope::ProviderFlow, key, (1, life), now)? {
        None => Ok(()),
        Some(_) => Err(ProviderFault::Stale.into()),
    }
}

impl WaitingIdentity {
    /// The account at the provider.
    pub(super) fn account(&self) -> ProviderAccount {
        let [name, given_name, family_name, username] = self.names.clone();
        ProviderAccount {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            email: self.stated.as_deref().and_then(Email::parse),
            is_proved: self.is_proved,
            name,
            given_name,
            family_name,
            username,
            acr: self.acr.clone(),
        }
    }

    pub(super) fn remember(&self) -> Remember {
        if self.is_long { Remember::Long } else { Remember::Short }
    }

    /// Counts an attempt to type the code. Returns false if there were too many.
    pub(super) fn count(&self, db: &mut dyn Db, now: Time) -> Result<bool> {
        let key = secret::digest(format!("code {}", self.id).as_bytes());
        let rate = (ATTEMPTS, STEP_LIFE);
        Ok(attempts::count(db, Scope::ProviderFlow, &key, rate, now)?.is_none())
    }

    /// Spends it.
    pub(super) fn spend(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        spend(db, &self.id, now)
    }
}
