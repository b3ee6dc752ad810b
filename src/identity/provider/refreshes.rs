//! Which tokens of providers are being refreshed in this process, so that each is refreshed once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// How many requests may wait for the refresh of one token.
const MOST_WAITING: usize = 32;

/// The refreshes that run, by identity.
#[derive(Default)]
pub struct TokenRefreshes(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl TokenRefreshes {
    /// The lock of an identity, unless too many wait for it.
    pub(super) fn queue(&self, identity: &str) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = all.get(identity).and_then(Weak::upgrade) {
            // The map holds it weakly, and this is one more.
            return (Arc::strong_count(&lock) <= MOST_WAITING).then_some(lock);
        }
        let lock = Arc::default();
        all.insert(identity.to_owned(), Arc::downgrade(&lock));
        Some(lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_wait_and_nothing_stays_behind() {
        let refreshes = TokenRefreshes::default();
        let mut waiting: Vec<_> = (0..MOST_WAITING).map_while(|_| refreshes.queue("a")).collect();
        assert_eq!(waiting.len(), MOST_WAITING);
        assert!(refreshes.queue("a").is_none() && refreshes.queue("b").is_some());
        waiting.clear();
        assert!(refreshes.queue("c").is_some());
        assert_eq!(refreshes.0.lock().unwrap().len(), 1, "those that ended are gone");
    }
}
