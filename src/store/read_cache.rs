//! The results of reads, kept until the database changes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// The key of a cached result: a question and its subject.
pub(in crate::store) type Key<'k> = (&'static str, &'k str);

/// A key with a subject of its own.
pub(in crate::store) type OwnedKey = (&'static str, String);

/// A cached result of any type.
pub(in crate::store) type CachedResult = Arc<dyn Any + Send + Sync>;

/// The results that one reader has cached, all of the same version of the database.
pub(in crate::store) struct ReadCache<V> {
    /// `None` before the first one is known.
    version: Option<V>,
    results: HashMap<&'static str, HashMap<String, CachedResult>>,
    count: usize,
    capacity: usize,
}

impl<V: PartialEq> ReadCache<V> {
    /// An empty cache for at most so many results.
    pub(in crate::store) fn of(capacity: usize) -> Self {
        Self { version: None, results: HashMap::new(), count: 0, capacity }
    }

    /// Says which version the database has now, and forgets the results of any other. Returns whether it is
    /// the same as before.
    pub(in crate::store) fn move_to(&mut self, version: V) -> bool {
        let is_same = self.version.as_ref() == Some(&version);
        if !is_same {
            self.clear();
            self.version = Some(version);
        }
        is_same
    }

    /// Forgets all results and their version.
    pub(in crate::store) fn clear(&mut self) {
        *self = Self::of(self.capacity);
    }

    /// The cached result, as of the version that was last named.
    pub(in crate::store) fn find(&self, (question, subject): Key<'_>) -> Option<&CachedResult> {
        self.results.get(question)?.get(subject)
    }

    /// Caches a result that was read at the version that was last named, or later. A full cache starts again.
    pub(in crate::store) fn keep(&mut self, (question, subject): OwnedKey, result: CachedResult) {
        let is_new = self.find((question, &subject)).is_none();
        if is_new && self.count >= self.capacity {
            self.results.clear();
            self.count = 0;
        }
        self.results.entry(question).or_default().insert(subject, result);
        self.count += usize::from(is_new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: usize = 100;

    fn number(cache: &ReadCache<i64>, subject: &str) -> Option<usize> {
        cache.find(("number", subject)).map(|found| *found.clone().downcast().unwrap())
    }

    #[test]
    fn a_cache_stays_small_and_forgets_with_every_version() {
        let mut cache = ReadCache::of(CAPACITY);
        assert!(!cache.move_to(1));
        for n in 0..3 * CAPACITY {
            cache.keep(("number", n.to_string()), Arc::new(n));
            assert!(cache.results.values().map(HashMap::len).sum::<usize>() <= CAPACITY);
        }
        let last = (3 * CAPACITY - 1).to_string();
        assert!(cache.move_to(1));
        assert_eq!(number(&cache, &last), Some(3 * CAPACITY - 1));
        assert!(cache.find(("word", &last)).is_none());
        assert!(!cache.move_to(2));
        assert_eq!(number(&cache, &last), None);
        cache.keep(("number", last.clone()), Arc::new(7_usize));
        assert!(!cache.move_to(1), "an older version is another one");
        assert_eq!(number(&cache, &last), None);
    }

    #[test]
    fn a_result_that_is_kept_again_takes_no_further_place() {
        let mut cache = ReadCache::of(2);
        cache.move_to(1);
        cache.keep(("number", "a".to_owned()), Arc::new(1_usize));
        for n in 0..10_usize {
            cache.keep(("number", "b".to_owned()), Arc::new(n));
        }
        assert_eq!((number(&cache, "a"), number(&cache, "b")), (Some(1), Some(9)));
    }
}
