//! Counters by key in bounded memory. When a shard is full, the eighth of its counters that would
//! expire first is evicted.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

const PARTS: usize = 16;

/// A counter with an expiry time.
pub(super) trait Ending: Copy {
    /// When the counter expires, in any unit that is the same for the whole map.
    fn end(self) -> u64;
}

/// A map of counters in shards, each with its own lock.
pub(super) struct Bounded<K, V> {
    parts: Vec<Mutex<HashMap<K, V>>>,
    hasher: RandomState,
    part_limit: usize,
}

impl<K: Hash + Eq + Copy, V: Ending> Bounded<K, V> {
    /// Creates a map for about this many keys at most.
    pub(super) fn new(keys: usize) -> Self {
        let parts = std::iter::repeat_with(Mutex::default).take(PARTS).collect();
        Self { parts, hasher: RandomState::new(), part_limit: (keys / PARTS).max(1) }
    }

    /// Atomically reads a counter and replaces it with the returned one; `None` leaves it
    /// unchanged.
    pub(super) fn update<R>(&self, key: &K, change: impl FnOnce(Option<V>) -> (R, Option<V>)) -> R {
        let Some(part) = self.part(key) else { return change(None).0 };
        let mut part = lock(part);
        let (answer, counter) = change(part.get(key).copied());
        if let Some(counter) = counter {
            if part.len() >= self.part_limit && !part.contains_key(key) {
                make_room(&mut part);
            }
            part.insert(*key, counter);
        }
        answer
    }

    /// Removes expired counters, and frees memory left over from a traffic peak.
    pub(super) fn purge(&self, now: u64) {
        for part in &self.parts {
            let mut part = lock(part);
            part.retain(|_, counter| counter.end() > now);
            if part.len() < part.capacity() / 4 {
                part.shrink_to_fit();
            }
        }
    }

    /// Removes all counters.
    pub(super) fn clear(&self) {
        self.parts.iter().for_each(|part| lock(part).clear());
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).len()).sum()
    }

    fn part(&self, key: &K) -> Option<&Mutex<HashMap<K, V>>> {
        let hash = usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or(0);
        self.parts.get(hash)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_room<K, V: Ending>(part: &mut HashMap<K, V>) {
    let mut ends: Vec<u64> = part.values().map(|counter| counter.end()).collect();
    let last = ends.len() / 8;
    let (_, &mut threshold, _) = ends.select_nth_unstable(last);
    let mut to_drop = last + 1;
    part.retain(|_, counter| {
        let goes = counter.end() <= threshold && to_drop > 0;
        to_drop -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ending for u64 {
        fn end(self) -> u64 {
            self
        }
    }

    #[test]
    fn any_number_of_keys_stays_within_the_bound() {
        let map = Bounded::new(1600);
        for key in 0..200_000_u64 {
            map.update(&key, |_| ((), Some(key)));
        }
        assert!((1200..=1600).contains(&map.len()), "{}", map.len());
        assert_eq!(map.update(&199_999, |last| (last, None)), Some(199_999), "the youngest stays");
        assert_eq!(map.update(&0, |first| (first, None)), None, "the oldest goes");
    }

    #[test]
    fn keys_of_one_age_do_not_all_go_together() {
        let map = Bounded::new(1600);
        for key in 0..5000_u64 {
            map.update(&key, |_| ((), Some(7)));
        }
        assert!(map.len() > 1200, "{}", map.len());
    }

    #[test]
    fn a_purge_forgets_what_has_ended() {
        let map = Bounded::new(1600);
        for key in 0..100_u64 {
            map.update(&key, |_| ((), Some(key)));
        }
        map.purge(49);
        assert_eq!(map.len(), 50);
    }
}
