//! Password attempts in flight: counted, but not decided yet.
//!
//! An attempt is counted before its password is checked, and given back after a right password. So
//! attempts that are checked at the same moment can reach a limit together although none of them has
//! failed. An attempt that finds a limit reached waits while one of those that reached it is in
//! flight; it is refused only by failures.
//!
//! A decision wakes as many of those that wait as it makes room for, the first that came first; a
//! failure makes none. When nothing is in flight any more, all are woken, and each gets its answer: none of
//! them waits for another one of them, or all would wake each other again and again.
//!
//! This knows the attempts of this process only. The counts are in the database, so no limit is ever
//! exceeded, and an attempt that a crash interrupted counts as a failure.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
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

/// What an attempt's result means for the counters that it was counted at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptEffect {
    /// It stays counted.
    Failed,
    /// It is given back alone.
    TakenBack,
    /// It is given back with all before it: the counter is empty.
    Succeeded,
}

/// The attempts at one counter.
#[derive(Default)]
struct InFlightCounter {
    /// Those in flight, and those that were woken because there is room for them, and are about to be counted.
    attempts: BTreeSet<u64>,
    /// Those that wait, in the order in which they came.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

impl InFlightCounter {
    /// Wakes the first that wait, as many as there is room for.
    fn wake(&mut self, most: usize) {
        for _ in 0..most {
            let Some((id, wake)) = self.waiting.pop_front() else { return };
            // One that no longer waits has left the queue.
            if wake.send(()).is_ok() {
                self.attempts.insert(id);
            }
        }
    }
}

/// What an attempt waits for: a decision at a counter that makes room for it. While it waits it has
/// a place in the counter's queue, and once woken for room it counts as in flight, until it is dropped.
pub(super) struct NextDecision {
    all: AttemptsInFlight,
    at: CounterKey,
    id: u64,
    woken: oneshot::Receiver<()>,
    /// The room that is left for another one when this is dropped.
    leaves: usize,
}

impl AttemptsInFlight {
    /// Registers a new attempt, which is not in flight at any counter yet.
    pub(super) fn register(&self) -> AttemptInFlight {
        AttemptInFlight { all: self.clone(), id: self.new_id(), entered: Mutex::default() }
    }

    fn new_id(&self) -> u64 {
        self.0.last_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The next decision of an attempt in flight at this counter; `None` if there is none. `after` is
    /// the decision that the same attempt has waited for before.
    ///
    /// # Errors
    /// `Unavailable` if too many attempts wait for it already.
    pub(super) fn next_decision(
        &self,
        scope: Scope,
        key: &[u8; 32],
        after: Option<u64>,
    ) -> Result<Option<NextDecision>> {
        let mut counters = self.counters();
        let Some(counter) = counters.get_mut(&(scope, *key)) else { return Ok(None) };
        if counter.attempts.iter().all(|id| Some(*id) == after) {
            return Ok(None);
        }
        if counter.waiting.len() >= MOST_WAITING {
            return Err(busy("too many attempts wait for others"));
        }
        let (wake, woken) = oneshot::channel();
        let id = self.new_id();
        counter.waiting.push_back((id, wake));
        Ok(Some(NextDecision { all: self.clone(), at: (scope, *key), id, woken, leaves: 1 }))
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

    /// An attempt is no longer in flight at a counter, which makes room for this many.
    fn leave(&self, at: CounterKey, id: u64, room: usize) {
        let mut counters = self.counters();
        let Entry::Occupied(mut entry) = counters.entry(at) else { return };
        let counter = entry.get_mut();
        counter.attempts.remove(&id);
        counter.wake(room);
        if counter.attempts.is_empty() {
            for (_, wake) in entry.remove().waiting {
                let _ = wake.send(());
            }
        }
    }
}

impl NextDecision {
    /// When an attempt that begins to wait now gives up.
    pub(super) fn deadline() -> Instant {
        Instant::now() + LONGEST_WAIT
    }

    /// Waits for the decision. The result is kept until the attempt was counted again.
    ///
    /// # Errors
    /// `Unavailable` after the deadline.
    pub(super) async fn wait(mut self, deadline: Instant) -> Result<Self> {
        match tokio::time::timeout_at(deadline, &mut self.woken).await {
            Ok(_) => Ok(self),
            Err(_) => Err(busy("the attempts in flight were not decided in time")),
        }
    }

    /// Names this decision for [`AttemptsInFlight::next_decision`].
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The attempt was counted, or there was no room for it after all. Without this call, another
    /// one gets the room.
    pub(super) fn settle(mut self) {
        self.leaves = 0;
    }
}

impl Drop for NextDecision {
    fn drop(&mut self) {
        let mut counters = self.all.counters();
        let Some(counter) = counters.get_mut(&self.at) else { return };
        if counter.attempts.contains(&self.id) {
            drop(counters);
            self.all.leave(self.at, self.id, self.leaves);
        } else {
            counter.waiting.retain(|(id, _)| *id != self.id);
        }
    }
}

fn busy(why: &'static str) -> Error {
    Error::unavailable(why).retry_after(RETRY_AFTER)
}

/// One attempt, in flight at the counters that it was counted at. Dropping it decides it.
pub(super) struct AttemptInFlight {
    all: AttemptsInFlight,
    id: u64,
    /// How many attempts an empty counter has room for.
    entered: Mutex<BTreeMap<CounterKey, usize>>,
}

impl AttemptInFlight {
    /// The attempt was counted at a counter that has room for `limit` attempts. To be called inside
    /// the write that counts it, so that no later write sees the count without the attempt.
    pub(super) fn enter(&self, scope: Scope, key: &[u8; 32], limit: u32) {
        let mut counters = self.all.counters();
        counters.entry((scope, *key)).or_default().attempts.insert(self.id);
        drop(counters);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.entered().insert((scope, *key), limit);
    }

    /// The attempt is decided, and the decision is committed.
    pub(super) fn decide(&self, effect: AttemptEffect) {
        let entered = std::mem::take(&mut *self.entered());
        if entered.is_empty() {
            return;
        }
        self.all.0.decided.fetch_add(1, Ordering::AcqRel);
        for (at, limit) in entered {
            let room = match effect {
                AttemptEffect::Failed => 0,
                AttemptEffect::TakenBack => 1,
                AttemptEffect::Succeeded => limit,
            };
            self.all.leave(at, self.id, room);
        }
    }

    fn entered(&self) -> MutexGuard<'_, BTreeMap<CounterKey, usize>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AttemptInFlight {
    fn drop(&mut self) {
        self.decide(AttemptEffect::Failed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::error::Kind;

    const KEY: [u8; 32] = [7; 32];
    const LIMIT: u32 = 5;

    fn next(all: &AttemptsInFlight, scope: Scope) -> Option<NextDecision> {
        all.next_decision(scope, &KEY, None).unwrap()
    }

    /// Those that were woken; the others wait on.
    fn woken(waiting: &mut Vec<NextDecision>) -> Vec<NextDecision> {
        waiting.extract_if(.., |one| (&mut one.woken).now_or_never().is_some()).collect()
    }

    #[tokio::test]
    async fn a_decision_wakes_who_waits_for_it_at_the_same_counter() {
        let all = AttemptsInFlight::default();
        let (one, two) = (all.register(), all.register());
        assert!(next(&all, Scope::Pair).is_none());
        one.enter(Scope::Pair, &KEY, LIMIT);
        two.enter(Scope::Pair, &KEY, LIMIT);
        two.enter(Scope::Lockout, &KEY, LIMIT);
        let waiting = next(&all, Scope::Pair).unwrap();
        one.decide(AttemptEffect::Succeeded);
        waiting.wait(NextDecision::deadline()).await.unwrap().settle();
        assert!(all.is_any(Scope::Pair, &KEY), "the other is still in flight");
        let waiting = next(&all, Scope::Lockout).unwrap();
        drop(two);
        waiting.wait(NextDecision::deadline()).await.unwrap().settle();
        assert!(!all.is_any(Scope::Pair, &KEY) && !all.is_any(Scope::Lockout, &KEY));
        assert_eq!(all.decided(), 2);
    }

    #[tokio::test]
    async fn a_decision_wakes_only_as_many_as_it_makes_room_for() {
        let all = AttemptsInFlight::default();
        let flying: Vec<_> = (0..4).map(|_| all.register()).collect();
        for one in &flying {
            one.enter(Scope::Pair, &KEY, LIMIT);
        }
        let mut waiting: Vec<_> = (0..40).filter_map(|_| next(&all, Scope::Pair)).collect();
        flying[0].decide(AttemptEffect::Failed);
        assert_eq!(woken(&mut waiting).len(), 0, "a failure makes no room");
        flying[1].decide(AttemptEffect::TakenBack);
        let [one] = woken(&mut waiting).try_into().ok().unwrap();
        one.settle();
        flying[2].decide(AttemptEffect::Succeeded);
        let mut five = woken(&mut waiting);
        assert_eq!(five.len(), 5);
        // One of them has no use for it: the next one gets its room, and the others wait on.
        drop(five.pop());
        let [one] = woken(&mut waiting).try_into().ok().unwrap();
        one.settle();
        five.into_iter().for_each(NextDecision::settle);
        // Nothing is in flight any more, so no other decision would wake the rest.
        let left = waiting.len();
        flying[3].decide(AttemptEffect::Failed);
        assert_eq!(woken(&mut waiting).len(), left);
    }

    #[tokio::test]
    async fn one_that_was_woken_does_not_wait_for_itself() {
        let all = AttemptsInFlight::default();
        let one = all.register();
        one.enter(Scope::Pair, &KEY, LIMIT);
        let (first, second) = (next(&all, Scope::Pair).unwrap(), next(&all, Scope::Pair).unwrap());
        one.decide(AttemptEffect::Succeeded);
        let first = first.wait(NextDecision::deadline()).await.unwrap();
        let again = all.next_decision(Scope::Pair, &KEY, Some(first.id())).unwrap();
        assert!(again.is_some(), "the second may still be counted");
        second.wait(NextDecision::deadline()).await.unwrap().settle();
        assert!(all.next_decision(Scope::Pair, &KEY, Some(first.id())).unwrap().is_none());
        first.settle();
        again.unwrap().wait(NextDecision::deadline()).await.unwrap().settle();
        assert!(!all.is_any(Scope::Pair, &KEY));
    }

    /// All that wait are counted again in one write, perhaps, so each asks before any other has an answer.
    #[tokio::test]
    async fn those_that_a_last_failure_wakes_do_not_wait_for_each_other() {
        let all = AttemptsInFlight::default();
        let one = all.register();
        one.enter(Scope::Pair, &KEY, LIMIT);
        let mut waiting: Vec<_> = (0..30).filter_map(|_| next(&all, Scope::Pair)).collect();
        one.decide(AttemptEffect::Failed);
        let woken = woken(&mut waiting);
        assert_eq!(woken.len(), 30);
        for one in &woken {
            let again = all.next_decision(Scope::Pair, &KEY, Some(one.id())).unwrap();
            assert!(again.is_none(), "it is refused");
        }
        // For one of them that is counted after all, the others wait.
        let counted = all.register();
        counted.enter(Scope::Pair, &KEY, LIMIT);
        assert!(all.next_decision(Scope::Pair, &KEY, Some(woken[0].id())).unwrap().is_some());
        drop(woken);
        assert!(all.is_any(Scope::Pair, &KEY));
    }

    #[tokio::test]
    async fn waiting_is_bounded_in_time_and_number() {
        let all = AttemptsInFlight::default();
        let one = all.register();
        one.enter(Scope::Pair, &KEY, LIMIT);
        let refused = next(&all, Scope::Pair).unwrap().wait(Instant::now()).await;
        let refused = refused.err().unwrap();
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!(refused.retry_delay().is_some());
        let waiting: Vec<_> = (0..MOST_WAITING).map(|_| next(&all, Scope::Pair)).collect();
        let refused = all.next_decision(Scope::Pair, &KEY, None).err().map(|error| error.kind());
        assert_eq!(refused, Some(Kind::Unavailable));
        drop(waiting);
        assert!(next(&all, Scope::Pair).is_some());
    }
}
