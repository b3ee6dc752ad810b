//! The key ring: which key signs, which keys verify, which are published, and what is made when one
//! is missing.
//!
//! The signing key is the live key with the latest `signs_from` that is not in the future, or the
//! earliest key if all are in the future. A key verifies until its `verifies_until`, whether it
//! signs or not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::keys::{KeyMaterial, Private, check_secret, generate, name, named};
use super::{jwks, jwt, refresh};
use crate::config::{self, Algorithm};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::Time;
use crate::model::secret::encode;
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::tables::keys as rows;

/// How much longer than its last token a superseded key lives, because clocks differ.
pub(super) const MARGIN: Duration = Duration::from_mins(1);
/// Prefix of the key id when the secret comes from the configuration.
const SHARED: &str = "shared-";
const REFRESH_KEY_LEN: usize = 32;

/// A signing key in force.
pub(super) struct LiveKey {
    pub(super) kid: Arc<str>,
    pub(super) key: Arc<KeyMaterial>,
    /// The encoded token header that names this key.
    pub(super) header: String,
    public: Option<Value>,
    pub(super) created_at: Time,
    signs_from: Time,
    verifies_until: Option<Time>,
    /// Whether it has the configured algorithm, and the configured secret if there is one, or is the key of
    /// another server that is followed.
    may_sign: bool,
}

/// The keys in force at one epoch.
pub(super) struct Ring {
    pub(super) epoch: i64,
    held: Vec<Arc<LiveKey>>,
    pub(super) refresh: Arc<refresh::MacKeys>,
    /// Version of the next refresh key. The version of an expired key is never reused.
    pub(super) next_refresh: i64,
}

/// The database rows that a ring is built from.
pub(super) struct KeyRows {
    pub(super) epoch: i64,
    signing: Vec<rows::SigningKey>,
    refresh: Vec<rows::RefreshKey>,
}

/// Keys that were missing, sealed and ready to be stored.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) signing: Option<rows::SigningKey>,
    refresh: Option<rows::RefreshKey>,
}

impl LiveKey {
    /// Whether it verifies at this time.
    pub(super) fn is_live(&self, now: Time) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }

    /// Orders keys by when they sign, latest last. Among keys made in the same millisecond, the one
    /// that lives longest was made last.
    fn rank(&self) -> impl Ord + use<> {
        (self.signs_from, self.verifies_until.is_none(), self.verifies_until, Arc::clone(&self.kid))
    }
}

impl Ring {
    /// Opens the rows that are in force.
    pub(super) fn open(
        stored: &KeyRows,
        config: &config::TokensConfig,
        master: &MasterKey,
        now: Time,
    ) -> Result<Self> {
        let shared = shared_kid(config, master);
        let live = |until: Option<Time>, revoked: Option<Time>| {
            revoked.is_none() && until.is_none_or(|until| now < until)
        };
        let mut held = Vec::new();
        for row in stored.signing.iter().filter(|row| live(row.verifies_until, row.revoked_at)) {
            let (algorithm, key) = open_signing(master, &row.id, &row.algorithm, &row.sealed)?;
            held.push(Arc::new(LiveKey {
                kid: row.id.as_str().into(),
                header: jwt::encode_header(name(algorithm), &row.id, jwt::FIRST_PARTY),
                public: jwks::public(&row.id, &key),
                key: Arc::new(key),
                created_at: row.created_at,
                signs_from: row.signs_from,
                verifies_until: row.verifies_until,
                may_sign: is_wanted(row, name(config.algorithm), shared.as_deref()),
            }));
        }
        let mut refresh = refresh::MacKeys::default();
        for row in stored.refresh.iter().filter(|row| live(row.verifies_until, row.revoked_at)) {
            let key = open_refresh(master, row.version, &row.sealed)?;
            refresh.add(row.version, &key, row.verifies_until)?;
        }
        let next_refresh = stored.refresh.iter().map(|row| row.version).max().unwrap_or(0) + 1;
        Ok(Self { epoch: stored.epoch, held, refresh: Arc::new(refresh), next_refresh })
    }

    /// The same keys. If none of them has the configured algorithm and secret, the newest one signs.
    pub(super) fn following(mut self) -> Self {
        if self.newest().is_none() {
            for held in self.held.iter_mut().filter(|held| held.verifies_until.is_none()) {
                tracing::warn!(
                    key = &*held.kid,
                    "the key of another server signs, whose [tokens] differ from those of this one"
                );
                if let Some(key) = Arc::get_mut(held) {
                    key.may_sign = true;
                }
            }
        }
        self
    }

    /// The key that signs at this time. If the clock was set back to before all keys, this is the
    /// earliest one: logins must not fail until the clock has caught up.
    pub(super) fn signer(&self, now: Time) -> Option<&Arc<LiveKey>> {
        let able = || self.held.iter().filter(|held| held.may_sign && held.is_live(now));
        let due = able().filter(|held| held.signs_from <= now).max_by_key(|held| held.rank());
        due.or_else(|| able().min_by_key(|held| held.rank()))
    }

    /// The key with this id, if it verifies at this time.
    pub(super) fn find(&self, kid: &str, now: Time) -> Option<&Arc<LiveKey>> {
        self.held.iter().find(|held| &*held.kid == kid && held.is_live(now))
    }

    /// The keys published at this time, including those that do not sign yet.
    pub(super) fn jwks(&self, now: Time) -> Value {
        let keys: Vec<_> = self
            .held
            .iter()
            .filter(|held| held.is_live(now))
            .filter_map(|held| held.public.clone())
            .collect();
        serde_json::json!({ "keys": keys })
    }

    /// The key that no other supersedes: it signs, or will sign next.
    pub(super) fn newest(&self) -> Option<&Arc<LiveKey>> {
        let lasts = |held: &&Arc<LiveKey>| held.may_sign && held.verifies_until.is_none();
        self.held.iter().filter(lasts).max_by_key(|held| held.rank())
    }

    /// Makes and seals the keys that are missing. This may take a second, and changes nothing yet.
    pub(super) fn make_missing(
        &self,
        config: &config::TokensConfig,
        master: &MasterKey,
        env: &Env,
    ) -> Result<Made> {
        let signing =
            if self.newest().is_some() { None } else { Some(make_signing(config, master, env)?) };
        let refresh = if self.refresh.is_empty() {
            Some(make_refresh(self.next_refresh, master, env)?)
        } else {
            None
        };
        Ok(Made { signing, refresh })
    }
}

impl KeyRows {
    pub(super) fn read(db: &mut dyn Db) -> Result<Self> {
        Ok(Self {
            epoch: rows::epoch(db)?,
            signing: rows::signing_keys(db)?,
            refresh: rows::refresh_keys(db)?,
        })
    }
}

impl Made {
    /// Whether no key was missing.
    pub(super) fn is_empty(&self) -> bool {
        self.signing.is_none() && self.refresh.is_none()
    }

    /// Stores the new keys and ends the ones they supersede. A key that another process has stored
    /// meanwhile is kept, and no second one is added.
    pub(super) fn store(&self, db: &mut dyn Db, access: Duration) -> Result<()> {
        // Every change of keys updates the epoch's row. Raising it first serialises concurrent
        // changes.
        rows::raise_epoch(db)?;
        let stored = KeyRows::read(db)?;
        if let Some(key) =
            self.signing.as_ref().filter(|key| !stored.signing.iter().any(|row| replaces(row, key)))
        {
            rows::put_signing_key(db, key)?;
            rows::supersede_signing_keys(db, &key.id, key.signs_from + access + MARGIN)?;
        }
        if let Some(key) = self
            .refresh
            .as_ref()
            .filter(|key| stored.refresh.iter().all(|row| row.version != key.version))
        {
            rows::insert_refresh_key(db, key)?;
        }
        Ok(())
    }
}

/// Whether a stored key already serves the purpose of this new one.
fn replaces(row: &rows::SigningKey, key: &rows::SigningKey) -> bool {
    let shared = key.id.starts_with(SHARED).then_some(key.id.as_str());
    row.verifies_until.is_none() && is_wanted(row, &key.algorithm, shared)
}

/// Whether a row has the configured algorithm and secret. A secret that the configuration no longer
/// names stops signing, and so does a generated key once the configuration names a secret.
fn is_wanted(row: &rows::SigningKey, algorithm: &str, shared: Option<&str>) -> bool {
    row.algorithm == algorithm && shared.map_or(!row.id.starts_with(SHARED), |kid| row.id == kid)
}

/// The key id of the configured secret. It is a MAC: a plain digest, published in every token,
/// would let anyone test guesses of the secret against it.
fn shared_kid(config: &config::TokensConfig, master: &MasterKey) -> Option<String> {
    let secret = config.secret.as_ref().filter(|_| config.algorithm.is_shared())?;
    // Each algorithm has its own key id: a key never serves another.
    let purpose = match config.algorithm {
        Algorithm::Hs384 => "shared-secret-kid-hs384",
        Algorithm::Hs512 => "shared-secret-kid-hs512",
        _ => "shared-secret-kid",
    };
    let fingerprint = master.mac(purpose, secret.reveal().as_bytes());
    Some(format!("{SHARED}{}", encode(&fingerprint[..12])))
}

/// Refuses a configured secret that can be guessed.
pub(super) fn check_config(config: &config::TokensConfig) -> Result<()> {
    match &config.secret {
        Some(secret) if config.algorithm.is_shared() => {
            check_secret(config.algorithm, secret.reveal().as_bytes())
        }
        _ => Ok(()),
    }
}

/// Makes a signing key that signs from now on.
pub(super) fn make_signing(
    config: &config::TokensConfig,
    master: &MasterKey,
    env: &Env,
) -> Result<rows::SigningKey> {
    let algorithm = config.algorithm;
    let (id, private) = match (shared_kid(config, master), &config.secret) {
        (Some(kid), Some(secret)) => (kid, Private::new(secret.reveal().as_bytes().to_vec())),
        _ => (
            format!("{}-{}", name(algorithm).to_lowercase(), encode(&env.random::<12>()?)),
            generate(algorithm, env)?,
        ),
    };
    let key = KeyMaterial::open(algorithm, &private)?;
    let now = env.now();
    Ok(rows::SigningKey {
        sealed: master.seal(env, &signing_place(&id), &private)?,
        public: jwks::public(&id, &key).map(|jwk| jwk.to_string()),
        algorithm: name(algorithm).to_owned(),
        id,
        created_at: now,
        signs_from: now,
        verifies_until: None,
        revoked_at: None,
    })
}

/// Makes a MAC key for refresh tokens.
pub(super) fn make_refresh(
    version: i64,
    master: &MasterKey,
    env: &Env,
) -> Result<rows::RefreshKey> {
    let key = Private::new(env.random::<REFRESH_KEY_LEN>()?.to_vec());
    let sealed = master.seal(env, &refresh_place(version), &key)?;
    Ok(rows::RefreshKey {
        version,
        sealed,
        created_at: env.now(),
        verifies_until: None,
        revoked_at: None,
    })
}

/// Opens a stored signing key.
pub(super) fn open_signing(
    master: &MasterKey,
    id: &str,
    algorithm: &str,
    sealed: &[u8],
) -> Result<(Algorithm, KeyMaterial)> {
    let private = Private::new(master.open(&signing_place(id), sealed)?);
    let algorithm = named(algorithm).ok_or_else(|| {
        Error::internal(format!("unknown algorithm {algorithm} in signing_keys.algorithm"))
    })?;
    Ok((algorithm, KeyMaterial::open(algorithm, &private)?))
}

/// Opens a stored key of refresh tokens.
pub(super) fn open_refresh(master: &MasterKey, version: i64, sealed: &[u8]) -> Result<Private> {
    Ok(Private::new(master.open(&refresh_place(version), sealed)?))
}

fn signing_place(kid: &str) -> String {
    format!("signing_keys.sealed.{kid}")
}

fn refresh_place(version: i64) -> String {
    format!("refresh_keys.sealed.{version}")
}
