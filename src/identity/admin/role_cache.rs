//! The role cache: what each role may do, kept in memory until the epoch says that it has changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::Result;
use crate::store::{self, Store};

type Permissions = HashMap<String, Vec<String>>;

/// The roles of this instance. Cheap to clone.
#[derive(Clone, Default)]
pub struct RoleCache(Arc<RwLock<Permissions>>);

impl RoleCache {
    /// Loads the roles.
    pub async fn open(store: &Store) -> Result<Self> {
        let book = Self::default();
        book.reload(store).await?;
        Ok(book)
    }

    /// Reloads the roles. Only the reload of the keys calls this, one call at a time: an older
    /// reading must not replace a newer one.
    pub(in crate::identity) async fn reload(&self, store: &Store) -> Result<()> {
        let mut fresh = Permissions::new();
        for (role, permission) in store.read(|db| store::tables::roles::all_permissions(db)).await?
        {
            fresh.entry(role).or_default().push(permission);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The combined permissions of these roles, sorted.
    #[must_use]
    pub fn permissions(&self, roles: &[String]) -> Vec<String> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all: BTreeSet<&String> =
            roles.iter().filter_map(|role| book.get(role)).flatten().collect();
        all.into_iter().cloned().collect()
    }
}
