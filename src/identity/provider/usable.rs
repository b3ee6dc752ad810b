//! The providers that people can log in with: those of the configuration, and those kept in the
//! database. Where both have a name or an issuer, the configuration is used.

use std::sync::Arc;

use super::ProviderListing;
use super::stored::StoredProvider;
use crate::error::{ProviderFault, Result};
use crate::identity::Core;
use crate::model::Provider;
use crate::store;

/// The providers of the database, by name.
pub(in crate::identity) async fn stored(core: &Core) -> Result<Arc<Vec<StoredProvider>>> {
    let rows = core.store.recall(("providers", ""), store::tables::providers::all).await?;
    Ok(core.stored_providers.opened(&core.master, rows))
}

/// A stored provider, if people can log in with it: it is complete, and the configuration has none
/// with its name or issuer.
fn in_force<'a>(core: &Core, one: &'a StoredProvider) -> Option<&'a Arc<Provider>> {
    let provider = one.provider.as_ref().ok()?;
    (!core.config.providers.claims(&one.row.name, Some(provider))).then_some(provider)
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
    found.and_then(|one| in_force(core, one)).cloned().ok_or_else(|| ProviderFault::Unknown.into())
}

/// Every provider that can be used, by name.
pub(in crate::identity) async fn all(core: &Core) -> Result<Vec<Arc<Provider>>> {
    let stored = stored(core).await?;
    let stored = stored.iter().filter_map(|one| in_force(core, one));
    let mut all: Vec<_> = core.config.providers.all.iter().chain(stored).cloned().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The names of the providers that can be used.
pub(in crate::identity) async fn names(core: &Core) -> Result<Vec<String>> {
    Ok(all(core).await?.iter().map(|provider| provider.name.clone()).collect())
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
    Ok(all(core).await?.into_iter().map(listing).collect())
}

/// Whether there is a provider to log in with.
///
/// # Errors
/// `Unavailable`.
pub async fn has_any(core: &Core) -> Result<bool> {
    if !core.config.providers.all.is_empty() {
        return Ok(true);
    }
    Ok(stored(core).await?.iter().any(|one| in_force(core, one).is_some()))
}
