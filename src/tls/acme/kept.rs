//! What is kept in the database between orders: the account with the authority and the certificate,
//! both sealed, and the attempts.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::retry::OrderAttempts;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::secret;
use crate::seal::MasterKey;
use crate::store::Store;
use crate::store::tables::instance;

const ACCOUNT: &str = "acme_account";
const CERTIFICATE: &str = "acme_certificate";
const ATTEMPTS: &str = "acme_attempts";

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

    pub(super) async fn attempts(&self) -> Result<OrderAttempts> {
        let text = self.store.read(|db| instance::text(db, ATTEMPTS)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    pub(super) async fn keep_attempts(&self, attempts: &OrderAttempts) -> Result<()> {
        let text = json(attempts)?;
        self.store.write(move |db| instance::put_text(db, ATTEMPTS, &text)).await
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

fn place(name: &str) -> String {
    format!("instance.text_value.{name}")
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::internal("writing JSON failed").caused_by(e))
}
