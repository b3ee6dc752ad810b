//! What is kept in the database: the account with the authority, the certificate and the answer that is
//! due, all sealed, and the attempts.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::retry::OrderAttempts;
use super::shared_answers::DueAnswer;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Time, secret};
use crate::seal::MasterKey;
use crate::store::Store;
use crate::store::db::Db;
use crate::store::tables::instance;

const ACCOUNT: &str = "acme_account";
const CERTIFICATE: &str = "acme_certificate";
const ATTEMPTS: &str = "acme_attempts";
const ANSWER: &str = "acme_answer";

/// The account with an authority.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptAccount {
    /// The directory of the authority.
    pub directory: String,
    /// The address that it was registered with.
    pub contact: String,
    /// Its URL and key, as the client writes them.
    pub credentials: serde_json::Value,
}

/// A certificate, in PEM.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptCertificate {
    /// The directory of the authority that issued it.
    #[serde(default)]
    pub directory: Option<String>,
    pub chain: String,
    pub key: String,
}

/// The entries in the database.
#[derive(Clone)]
pub(super) struct AcmeEntries {
    pub store: Store,
    pub master: MasterKey,
    pub env: Env,
}

impl AcmeEntries {
    pub(super) async fn account(&self) -> Result<Option<KeptAccount>> {
        self.sealed(ACCOUNT).await
    }

    pub(super) async fn keep_account(&self, account: &KeptAccount) -> Result<()> {
        self.seal(ACCOUNT, account).await
    }

    pub(super) async fn certificate(&self) -> Result<Option<KeptCertificate>> {
        self.sealed(CERTIFICATE).await
    }

    pub(super) async fn keep_certificate(&self, certificate: &KeptCertificate) -> Result<()> {
        self.seal(CERTIFICATE, certificate).await
    }

    pub(super) async fn answer(&self) -> Result<Option<DueAnswer>> {
        self.sealed(ANSWER).await
    }

    pub(super) async fn keep_answer(&self, answer: &DueAnswer) -> Result<()> {
        self.seal(ANSWER, answer).await
    }

    pub(super) async fn remove_answer(&self) -> Result<()> {
        self.store.write(|db| instance::remove(db, ANSWER)).await
    }

    pub(super) async fn attempts(&self) -> Result<OrderAttempts> {
        self.store.read(attempts).await
    }

    /// Counts an attempt that begins now, unless an earlier one holds it up, perhaps at another server.
    /// Returns whether it may be made.
    pub(super) async fn begin_attempt(&self, target: &str, now: Time) -> Result<bool> {
        let target = target.to_owned();
        let begin = move |db: &mut dyn Db| {
            let attempts = attempts(db)?;
            if attempts.delay(&target, now).is_some() {
                return Ok(false);
            }
            instance::put_text(db, ATTEMPTS, &json(&attempts.begin(&target, now))?)?;
            Ok(true)
        };
        self.store.write(begin).await
    }

    /// Forgets the attempts, because one had success.
    pub(super) async fn forget_attempts(&self) -> Result<()> {
        self.store.write(|db| instance::remove(db, ATTEMPTS)).await
    }

    /// Opens an entry. One that was sealed under a master key that is lost counts as none: a new
    /// account and a new certificate replace it.
    async fn sealed<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>> {
        let Some(text) = self.store.read(move |db| instance::text(db, name)).await? else {
            return Ok(None);
        };
        let sealed = secret::decode(&text).unwrap_or_default();
        let opened = self.master.open(&place(name), &sealed).map(Zeroizing::new);
        let value = opened.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if value.is_none() {
            tracing::warn!("{name} in the database cannot be opened with this master key");
        }
        Ok(value)
    }

    async fn seal(&self, name: &'static str, value: &impl Serialize) -> Result<()> {
        let plain = Zeroizing::new(json(value)?);
        let sealed = self.master.seal(&self.env, &place(name), plain.as_bytes())?;
        let text = secret::encode(&sealed);
        self.store.write(move |db| instance::put_text(db, name, &text)).await
    }
}

fn attempts(db: &mut dyn Db) -> Result<OrderAttempts> {
    let text = instance::text(db, ATTEMPTS)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn place(name: &str) -> String {
    format!("instance.text_value.{name}")
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::internal("writing JSON failed").caused_by(e))
}
