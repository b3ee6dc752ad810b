//! Counts that need the database, kept for up to a minute however often they are requested.

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
    totals: Mutex<Option<CountedTotals>>,
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
            totals: Mutex::default(),
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

    /// The totals of accounts and sessions, at most a minute old.
    pub(in crate::identity) async fn totals(
        &self,
        store: &Store,
        env: &Env,
    ) -> Result<AccountTotals> {
        let mut last = self.totals.lock().await;
        let began = env.now();
        if let Some(counted) = last.as_ref().filter(|counted| began < counted.until) {
            return Ok(counted.totals);
        }
        let totals = store.scan(move |db| store::tables::stats::totals(db, began)).await?;
        let took = env.now().since(began);
        let until = began + (took * TOTALS_LAST).min(COUNT_LASTS);
        *last = Some(CountedTotals { totals, until });
        Ok(totals)
    }

    /// How long the process has been running, regardless of configuration reloads.
    #[must_use]
    pub fn uptime(&self, now: Time) -> Duration {
        now.since(self.started_at)
    }
}
