//! Calls of clients, counted in the database by all servers that share it. A server that is alone
//! counts in its memory instead; the rate limits of the HTTP server know both.

use crate::error::Result;
use crate::identity::Core;
use crate::model::{ClientIp, Time};
use crate::seal::MasterKey;
use crate::store::Store;
use crate::store::tables::call_counts;

pub use crate::store::tables::call_counts::{CallCount, CallWindow};

/// The counters of all servers. Cheap to clone.
#[derive(Clone)]
pub struct SharedCounts {
    store: Store,
    master: MasterKey,
}

impl SharedCounts {
    /// Counters in this database, by keys that only the master key can make.
    #[must_use]
    pub fn new(store: Store, master: MasterKey) -> Self {
        Self { store, master }
    }

    /// The counters of a server; `None` if it shares its database with no other server.
    #[must_use]
    pub fn of(core: &Core) -> Option<Self> {
        core.store.node().id()?;
        Some(Self::new(core.store.clone(), core.master.clone()))
    }

    /// How many servers count, this one included.
    #[must_use]
    pub fn servers(&self) -> u32 {
        self.store.node().live()
    }

    /// Counts calls of a client under a limit.
    ///
    /// # Errors
    /// `Unavailable`: a call that cannot be counted is not admitted.
    pub async fn take(
        &self,
        limit: &str,
        client: ClientIp,
        window: CallWindow,
        now: Time,
    ) -> Result<CallCount> {
        let key = self.key(limit, client);
        self.store.count(move |db| call_counts::take(db, &key, window, now)).await
    }

    /// Reads how many calls are counted; `None` if no window has begun.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn peek(
        &self,
        limit: &str,
        client: ClientIp,
        now: Time,
    ) -> Result<Option<CallCount>> {
        let key = self.key(limit, client);
        self.store.read(move |db| call_counts::peek(db, &key, now)).await
    }

    /// Takes a counted call back.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn give_back(&self, limit: &str, client: ClientIp, now: Time) -> Result<()> {
        let key = self.key(limit, client);
        self.store.count(move |db| call_counts::give_back(db, &key, now)).await
    }

    /// Uses up what must be used once among all servers. Returns false if it was used before.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn use_once(&self, what: &[u8], until: Time, now: Time) -> Result<bool> {
        let key = self.master.mac("used once", what);
        self.store.count(move |db| call_counts::use_once(db, &key, until, now)).await
    }

    fn key(&self, limit: &str, client: ClientIp) -> [u8; 32] {
        self.master.mac("calls", &[limit.as_bytes(), b"|", &client.to_bytes()].concat())
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::SharedCounts;
    use crate::env::Env;
    use crate::model::Database;
    use crate::seal::MasterKey;
    use crate::store::{ProcessRole, Store};

    /// Counters in a database of their own.
    pub(crate) fn counts(folder: &std::path::Path, env: &Env) -> SharedCounts {
        let place = Database::File(folder.join("authd.db"));
        let store = Store::open(&place, ProcessRole::Server, env).unwrap();
        let master = MasterKey::create(&folder.join("authd.key"), env).unwrap();
        SharedCounts::new(store, master)
    }
}
