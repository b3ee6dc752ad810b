//! Password attempts in flight: counted, but not decided yet.
//!
//! An attempt is counted before its password is checked, and given back after a right password. So
//! attempts that are checked at the same moment can reach a limit together although none of them has
//! failed. An attempt that finds a limit reached waits while one of those that reached it is in
//! flight; it is refused only by failures.
//!
//! This knows the attempts of this process only. The counts are in the database, so no limit is ever
//! exceeded, and an attempt that a crash interrupted counts as a failure.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::store::tables::attempts::Scope;

/// How many attempts may wait for those in flight at one counter.
const MOST_WAITING: usize = 256;
/// The longest that an attempt waits for others.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// When an attempt that cannot wait may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A counter of attempts: its scope and key.
type CounterKey = (Scope, [u8; 32]);

/// All attempts in flight. Clones share the same attempts.
#[derive(Clone, Default)]
pub struct AttemptsInFlight(Arc<InFlightInner>);

#[derive(Default)]
struct InFlightInner {
    counters: Mutex<HashMap<CounterKey, InFlightCounter>>,
    last_id: AtomicU64,
    /// How many attempts were decided so far.
    decided: AtomicU64,
}

/// The attempts in flight at one counter. Dropping the sender wakes those that wait.
struct InFlightCounter {
    attempts: BTreeSet<u64>,
    changes: watch::Sender<()>,
}

/// What an attempt waits for: the next decision at a counter.
pub struct NextDecision(watch::Receiver<()>);

impl AttemptsInFlight {
    /// Registers a new attempt, which is not in flight at any counter yet.
    pub(super) fn register(&self) -> AttemptInFlight {
        let id = self.0.last_id.fetch_add(1, Ordering::Relaxed);
        AttemptInFlight { all: self.clone(), id, entered: Mutex::default() }
    }

    /// The next decision of an attempt in flight at this counter; `None` if there is none.
    ///
    /// # Errors
    /// `Unavailable` if too many attempts wait for it already.
    pub(super) fn next_decision(
        &self,
        scope: Scope,
        key: &[u8; 32],
    ) -> Result<Option<NextDecision>> {
        let counters = self.counters();
        let Some(counter) = counters.get(&(scope, *key)) else { return Ok(None) };
        if counter.changes.receiver_count() >= MOST_WAITING {
            return Err(busy("too many attempts wait for others"));
        }
        Ok(Some(NextDecision(counter.changes.subscribe())))
    }

    /// Whether an attempt is in flight at this counter.
    pub(super) fn is_any(&self, scope: Scope, key: &[u8; 32]) -> bool {
        self.counters().contains_key(&(scope, *key))
    }

    /// How many attempts were decided so far.
    pub(super) fn decided(&self) -> u64 {
        self.0.decided.load(Ordering::Acquire)
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<CounterKey, InFlightCounter>> {
        self.0.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NextDecision {
    /// When an attempt that begins to wait now gives up.
    pub(super) fn deadline() -> Instant {
        Instant::now() + LONGEST_WAIT
    }

    /// Waits for the decision.
    ///
    /// # Errors
    /// `Unavailable` after the deadline.
    pub(super) async fn wait(mut self, deadline: Instant) -> Result<()> {
        // An error means that no attempt is in flight there any more, which is a decision too.
        tokio::time::timeout_at(deadline, self.0.changed())
            .await
            .map(drop)
            .map_err(|_| busy("the attempts in flight were not decided in time"))
    }
}

fn busy(why: &'static str) -> Error {
    Error::unavailable(why).retry_after(RETRY_AFTER)
}

/// One attempt, in flight at the counters that it was counted at. Dropping it decides it.
pub(super) struct AttemptInFlight {
    all: AttemptsInFlight,
    id: u64,
    entered: Mutex<BTreeSet<CounterKey>>,
}

impl AttemptInFlight {
    /// The attempt was counted here. To be called inside the write that counts it, so that no later
    /// write sees the count without the attempt.
    pub(super) fn enter(&self, scope: Scope, key: &[u8; 32]) {
        let mut counters = self.all.counters();
        let counter = counters.entry((scope, *key)).or_insert_with(|| InFlightCounter {
            attempts: BTreeSet::new(),
            changes: watch::Sender::new(()),
        });
        counter.attempts.insert(self.id);
        drop(counters);
        self.entered().insert((scope, *key));
    }

    /// The attempt is decided, and the decision is committed.
    pub(super) fn decide(&self) {
        let entered = std::mem::take(&mut *self.entered());
        if entered.is_empty() {
            return;
        }
        self.all.0.decided.fetch_add(1, Ordering::AcqRel);
        let mut counters = self.all.counters();
        for key in entered {
            let Entry::Occupied(mut counter) = counters.entry(key) else { continue };
            counter.get_mut().attempts.remove(&self.id);
            if counter.get().attempts.is_empty() {
                counter.remove();
            } else {
                counter.get().changes.send_replace(());
            }
        }
    }

    fn entered(&self) -> MutexGuard<'_, BTreeSet<CounterKey>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AttemptInFlight {
    fn drop(&mut self) {
        self.decide();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const KEY: [u8; 32] = [7; 32];

    fn next(all: &AttemptsInFlight, scope: Scope) -> Option<NextDecision> {
        all.next_decision(scope, &KEY).unwrap()
    }

    #[tokio::test]
    async fn a_decision_wakes_who_waits_for_it_at_the_same_counter() {
        let all = AttemptsInFlight::default();
        let (one, two) = (all.register(), all.register());
        assert!(next(&all, Scope::Pair).is_none());
        one.enter(Scope::Pair, &KEY);
        two.enter(Scope::Pair, &KEY);
        two.enter(Scope::Lockout, &KEY);
        let waiting = next(&all, Scope::Pair).unwrap();
        one.decide();
        waiting.wait(NextDecision::deadline()).await.unwrap();
        assert!(all.is_any(Scope::Pair, &KEY), "the other is still in flight");
        let waiting = next(&all, Scope::Lockout).unwrap();
        drop(two);
        waiting.wait(NextDecision::deadline()).await.unwrap();
        assert!(!all.is_any(Scope::Pair, &KEY) && !all.is_any(Scope::Lockout, &KEY));
        assert_eq!(all.decided(), 2);
    }

    #[tokio::test]
    async fn waiting_is_bounded_in_time_and_number() {
        let all = AttemptsInFlight::default();
        let one = all.register();
        one.enter(Scope::Pair, &KEY);
        let refused = next(&all, Scope::Pair).unwrap().wait(Instant::now()).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!(refused.retry_delay().is_some());
        let waiting: Vec<_> = (0..MOST_WAITING).map(|_| next(&all, Scope::Pair)).collect();
        let refused = all.next_decision(Scope::Pair, &KEY).err().map(|error| error.kind());
        assert_eq!(refused, Some(Kind::Unavailable));
        drop(waiting);
        assert!(next(&all, Scope::Pair).is_some());
    }
}
