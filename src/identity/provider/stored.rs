//! Providers kept in the database: how their secrets are sealed, and what is remembered of them.
//!
//! What is stored is opened once after each change, so that a change by a command or an
//! administrator is in force at the next request.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::config::check_provider;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::provider::ProviderKeys;
use crate::model::{Provider, ProviderSettings, Secret};
use crate::seal::MasterKey;
use crate::store::tables::providers::ProviderRow;

/// A provider kept in the database.
#[derive(Debug, Clone)]
pub(in crate::identity) struct StoredProvider {
    pub(in crate::identity) row: ProviderRow,
    /// The provider, or why it cannot be used.
    pub(in crate::identity) provider: std::result::Result<Arc<Provider>, String>,
}

/// The providers of the database as they were last read.
#[derive(Default)]
pub struct StoredProviders(Mutex<Option<OpenedRows>>);

struct OpenedRows {
    rows: Arc<Vec<ProviderRow>>,
    opened: Arc<Vec<StoredProvider>>,
}

/// The secrets of a provider, as they are sealed.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct SealedProviderKeys {
    client_secret: Option<String>,
    private_key: Option<String>,
}

fn place(name: &str) -> String {
    format!("providers.sealed.{name}")
}

/// Seals the secrets of a provider; `None` if it has none.
pub(in crate::identity) fn seal_keys(
    master: &MasterKey,
    env: &Env,
    name: &str,
    keys: &ProviderKeys,
) -> Result<Option<Vec<u8>>> {
    let text = |key: &Option<Secret>| key.as_ref().map(|key| key.reveal().to_owned());
    let sealed = SealedProviderKeys {
        client_secret: text(&keys.client_secret),
        private_key: text(&keys.private_key),
    };
    if sealed.client_secret.is_none() && sealed.private_key.is_none() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(&sealed)
        .map_err(|error| Error::internal("a secret cannot be written").caused_by(error))?;
    master.seal(env, &place(name), &Zeroizing::new(plain)).map(Some)
}

/// The settings of a stored provider.
pub(in crate::identity) fn settings_of(row: &ProviderRow) -> Result<ProviderSettings> {
    serde_json::from_str(&row.settings)
        .map_err(|error| Error::internal("providers.settings is malformed").caused_by(error))
}

/// The secrets of a stored provider.
///
/// # Errors
/// `Internal` if they were sealed under another master key.
pub(in crate::identity) fn keys_of(master: &MasterKey, row: &ProviderRow) -> Result<ProviderKeys> {
    let Some(sealed) = &row.sealed else { return Ok(ProviderKeys::default()) };
    let plain = Zeroizing::new(master.open(&place(&row.name), sealed)?);
    let keys: SealedProviderKeys = serde_json::from_slice(&plain)
        .map_err(|_| Error::internal("the secrets of a provider are malformed"))?;
    let secret = |key: &Option<String>| key.as_deref().map(Secret::new);
    Ok(ProviderKeys {
        client_secret: secret(&keys.client_secret),
        private_key: secret(&keys.private_key),
    })
}

fn open(master: &MasterKey, row: &ProviderRow) -> std::result::Result<Arc<Provider>, String> {
    let settings = settings_of(row).map_err(|error| error.chain())?;
    let keys = keys_of(master, row).map_err(|_| {
        "its secret cannot be opened with this master key: set the secret again".to_owned()
    })?;
    match check_provider(&row.name, &settings, &keys) {
        Ok(checked) => Ok(Arc::new(checked.provider)),
        Err(unfit) => {
            let each = unfit.into_iter().map(|one| format!("{}: {}", one.setting, one.message));
            Err(each.collect::<Vec<_>>().join("; "))
        }
    }
}

impl StoredProviders {
    /// The providers of these rows. They are opened only if the rows are others than before.
    pub(in crate::identity) fn opened(
        &self,
        master: &MasterKey,
        rows: Arc<Vec<ProviderRow>>,
    ) -> Arc<Vec<StoredProvider>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.rows == rows) {
            return known.opened.clone();
        }
        let opened = rows.iter().map(|row| {
            let provider = open(master, row);
            if let Err(why) = &provider {
                tracing::warn!(provider = row.name, "a stored provider cannot be used: {why}");
            }
            StoredProvider { row: row.clone(), provider }
        });
        let opened: Arc<Vec<_>> = Arc::new(opened.collect());
        *known = Some(OpenedRows { rows, opened: opened.clone() });
        opened
    }
}
