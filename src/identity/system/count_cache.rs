//! Counts that need the database, kept for up to a minute however often they are requested.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::env::Env;
use crate::error::Result;
use crate::model::Time;
use crate::store::tables::outbox::MessageState;
use crate::store::tables::stats::AccountTotals;
use crate::store::{self, Store};

/// Maximum age of a count.
const COUNT_LASTS: Duration = Duration::from_mins(1);

/// How many times as old as the counting took the totals of accounts may become: counting takes at
/// most this part of the time, and with few accounts the totals are always those of now.
const TOTALS_LAST: u32 = 50;

/// The last count, and when the process began, by the wall clock and by the monotonic clock.
#[derive(Debug)]
pub struct CountCache {
    began: Time,
    started_at: Time,
    last: Mutex<Option<Count>>,
    totals: Arc<TotalsCache>,
}

/// The last totals, and the right to count them again.
#[derive(Debug, Default)]
struct TotalsCache {
    last: std::sync::RwLock<Option<CountedTotals>>,
    counting: Arc<Mutex<()>>,
}

impl TotalsCache {
    fn last(&self) -> Option<CountedTotals> {
        *self.last.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn count(&self, store: &Store, env: &Env) -> Result<AccountTotals> {
        let began = env.now();
        let totals = store.scan(move |db| store::tables::stats::totals(db, began)).await?;
        let took = env.now().since(began);
        let until = began + (took * TOTALS_LAST).min(COUNT_LASTS);
        let counted = Some(CountedTotals { totals, until });
        *self.last.write().unwrap_or_else(std::sync::PoisonError::into_inner) = counted;
        Ok(totals)
    }
}

/// Totals, and until when they are shown.
#[derive(Debug, Clone, Copy)]
struct CountedTotals {
    totals: AccountTotals,
    until: Time,
}

#[derive(Debug, Clone)]
pub(in crate::identity) struct Count {
    at: Time,
    pub sessions: i64,
    pub outbox: Vec<(MessageState, i64)>,
    pub last_backup: Option<Time>,
}

impl CountCache {
    /// A cache without a count yet.
    #[must_use]
    pub fn starting(env: &Env) -> Self {
        Self {
            began: env.wall(),
            started_at: env.now(),
            last: Mutex::default(),
            totals: Arc::default(),
        }
    }

    /// When the process began, by the wall clock.
    #[must_use]
    pub fn began(&self) -> Time {
        self.began
    }

    /// The count, at most a minute old.
    pub(in crate::identity) async fn current(&self, store: &Store, now: Time) -> Result<Count> {
        // Locked while counting, so concurrent readers share one count.
        let mut last = self.last.lock().await;
        if let Some(count) = last.as_ref().filter(|count| now.since(count.at) < COUNT_LASTS) {
            return Ok(count.clone());
        }
        let (sessions, outbox, (last_backup, _)) = store
            .scan(move |db| {
                Ok((
                    store::tables::sessions::count_all_live(db, now)?,
                    store::tables::outbox::count(db)?,
                    store::tables::backups::times(db)?,
                ))
            })
            .await?;
        Ok(last.insert(Count { at: now, sessions, outbox, last_backup }).clone())
    }

    /// The totals of accounts and sessions; where there is much to count at most about a minute old.
    pub(in crate::identity) async fn totals(
        &self,
        store: &Store,
        env: &Env,
    ) -> Result<AccountTotals> {
        if !store.scan(store::tables::stats::is_much_to_count).await? {
            return self.totals.count(store, env).await;
        }
        let _counting = self.totals.counting.lock().await;
        match self.totals.last() {
            Some(counted) if env.now() < counted.until => Ok(counted.totals),
            _ => self.totals.count(store, env).await,
        }
    }

    /// As [`CountCache::totals`], without waiting where there is much to count: then these are the
    /// last totals, and they are counted again meanwhile. `None` if there are none yet.
    pub(in crate::identity) async fn known_totals(
        &self,
        store: &Store,
        env: &Env,
    ) -> Result<Option<AccountTotals>> {
        if !store.scan(store::tables::stats::is_much_to_count).await? {
            return self.totals.count(store, env).await.map(Some);
        }
        let last = self.totals.last();
        if let Some(counted) = last.filter(|counted| env.now() < counted.until) {
            return Ok(Some(counted.totals));
        }
        if let Ok(counting) = self.totals.counting.clone().try_lock_owned() {
            let (totals, store, env) = (self.totals.clone(), store.clone(), env.clone());
            tokio::spawn(async move {
                if let Err(error) = totals.count(&store, &env).await {
                    tracing::warn!(%error, "the accounts could not be counted");
                }
                drop(counting);
            });
        }
        Ok(last.map(|counted| counted.totals))
    }

    /// How long the process has been running, regardless of configuration reloads.
    #[must_use]
    pub fn uptime(&self, now: Time) -> Duration {
        now.since(self.started_at)
    }
}
