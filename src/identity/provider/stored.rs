//! The providers that people can log in with: those of the configuration, and those kept in the
//! database. Where both have a name, the configuration is used.

use std::sync::Arc;

use super::ProviderListing;
use super::kept::StoredProvider;
use crate::error::{ProviderFault, Result};
use crate::identity::Core;
use crate::model::Provider;
use crate::store;

/// The providers of the database, by name.
pub(in crate::identity) async fn stored(core: &Core) -> Result<Arc<Vec<StoredProvider>>> {
    let rows = core.store.recall(("providers", ""), store::tables::providers::all).await?;
    Ok(core.stored_providers.opened(&core.master, rows))
}

/// The provider with this name.
///
/// # Errors
/// `NotFound`, `Unavailable`.
pub(in crate::identity) async fn find(core: &Core, name: &str) -> Result<Arc<Provider>> {
    if let Some(provider) = core.config.providers.find(name) {
        return Ok(provider.clone());
    }
    let stored = stored(core).await?;
    let found = stored.iter().find(|one| one.row.name == name);
    let usable = found.and_then(|one| one.provider.as_ref().ok());
    usable.cloned().ok_or_else(|| ProviderFault::Unknown.into())
}

/// Every provider that can be used, by name.
pub(in crate::identity) async fn usable(core: &Core) -> Result<Vec<Arc<Provider>>> {
    let configured = &core.config.providers;
    let stored = stored(core).await?;
    let others = stored.iter().filter(|one| configured.find(&one.row.name).is_none());
    let others = others.filter_map(|one| one.provider.as_ref().ok());
    let mut all: Vec<_> = configured.all.iter().chain(others).cloned().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The providers that can be used, in the order of their names.
///
/// # Errors
/// `Unavailable`.
pub async fn offered(core: &Core) -> Result<Vec<ProviderListing>> {
    let listing = |provider: Arc<Provider>| ProviderListing {
        name: provider.name.clone(),
        label: provider.label.clone(),
        preset: provider.preset.clone(),
    };
    Ok(usable(core).await?.into_iter().map(listing).collect())
}

/// The names of the providers that can be used.
///
/// # Errors
/// `Unavailable`.
pub(in crate::identity) async fn names(core: &Core) -> Result<Vec<String>> {
    Ok(usable(core).await?.iter().map(|provider| provider.name.clone()).collect())
}

/// Whether there is a provider to log in with.
///
/// # Errors
/// `Unavailable`.
pub async fn has_any(core: &Core) -> Result<bool> {
    if !core.config.providers.all.is_empty() {
        return Ok(true);
    }
    Ok(stored(core).await?.iter().any(|one| one.provider.is_ok()))
}
