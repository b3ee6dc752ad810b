//! The cache of verified tokens. For a token that was verified once, only its expiry and its key
//! are checked again.
//!
//! The cache never decides whether a session is alive. It stores only the SHA-256 of a token, so
//! its contents grant no access.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::VerifiedToken;
use crate::model::secret;

/// How many tokens are cached in all.
const CAPACITY: usize = 20_000;
/// How many locks they are spread over.
const SHARDS: usize = 16;
/// A shard keeps two generations. When the young one is full, the old one is dropped whole. So
/// tokens in use stay, and eviction needs no search.
const GENERATION: usize = CAPACITY / SHARDS / 2;

/// The digest that a token is cached under.
pub(super) type Digest = [u8; 32];

/// A token that has been verified.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    /// The key that verified it.
    pub(super) kid: std::sync::Arc<str>,
    pub(super) verified: VerifiedToken,
}

/// Verified tokens by digest.
#[derive(Default)]
pub(super) struct VerifiedTokenCache {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    young: HashMap<Digest, Remembered>,
    old: HashMap<Digest, Remembered>,
}

impl VerifiedTokenCache {
    /// The digest that a token is cached under.
    pub(super) fn digest(token: &str) -> Digest {
        secret::digest(token.as_bytes())
    }

    /// Applies `think` to a cached token.
    pub(super) fn find<T>(
        &self,
        digest: &Digest,
        think: impl FnOnce(&Remembered) -> T,
    ) -> Option<T> {
        self.with_shard(digest, |shard| {
            if let Some(found) = shard.young.get(digest) {
                return Some(think(found));
            }
            let found = shard.old.remove(digest)?;
            let thought = think(&found);
            shard.keep(*digest, found);
            Some(thought)
        })
    }

    /// Caches a verified token.
    pub(super) fn keep(&self, digest: Digest, remembered: Remembered) {
        self.with_shard(&digest, |shard| shard.keep(digest, remembered));
    }

    /// Removes a token.
    pub(super) fn forget(&self, digest: &Digest) {
        self.with_shard(digest, |shard| {
            shard.young.remove(digest);
            shard.old.remove(digest);
        });
    }

    /// Removes every token whose key is no longer live.
    pub(super) fn retain(&self, is_live: impl Fn(&str) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.retain(|_, remembered| is_live(&remembered.kid));
            shard.old.retain(|_, remembered| is_live(&remembered.kid));
        }
    }

    fn with_shard<T>(&self, digest: &Digest, work: impl FnOnce(&mut Shard) -> T) -> T {
        let shard = &self.shards[usize::from(digest[0]) % SHARDS];
        // No change here can be half done: after a panic elsewhere, every entry is still whole.
        work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn keep(&mut self, digest: Digest, remembered: Remembered) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, remembered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, SessionId, Time};

    fn remembered(kid: &str) -> Remembered {
        let verified = VerifiedToken {
            account: AccountId::new("a"),
            session: SessionId::new("s"),
            issued_at: Time::from_seconds(0),
            expires_at: Time::from_seconds(9),
            epoch: 1,
        };
        Remembered { kid: kid.into(), verified }
    }

    fn kid(memory: &VerifiedTokenCache, digest: &Digest) -> Option<String> {
        memory.find(digest, |found| found.kid.to_string())
    }

    fn size(memory: &VerifiedTokenCache) -> usize {
        let held = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        };
        memory.shards.iter().map(held).sum()
    }

    #[test]
    fn a_kept_token_is_found_until_it_is_forgotten() {
        let memory = VerifiedTokenCache::default();
        let digest = VerifiedTokenCache::digest("token");
        assert!(kid(&memory, &digest).is_none());
        memory.keep(digest, remembered("k"));
        assert_eq!(kid(&memory, &digest).as_deref(), Some("k"));
        memory.forget(&digest);
        assert!(kid(&memory, &digest).is_none());
    }

    #[test]
    fn it_never_holds_more_than_its_capacity_and_keeps_what_is_used() {
        let memory = VerifiedTokenCache::default();
        let used = VerifiedTokenCache::digest("used");
        memory.keep(used, remembered("k"));
        for number in 0..50_000 {
            memory.keep(VerifiedTokenCache::digest(&number.to_string()), remembered("k"));
            if number % 1000 == 0 {
                assert!(kid(&memory, &used).is_some(), "lost after {number}");
            }
        }
        assert!(size(&memory) <= CAPACITY, "{}", size(&memory));
        assert!(size(&memory) > CAPACITY / 3, "{}", size(&memory));
        assert!(kid(&memory, &VerifiedTokenCache::digest("0")).is_none());
    }

    #[test]
    fn tokens_of_a_dead_key_are_forgotten_together() {
        let memory = VerifiedTokenCache::default();
        memory.keep(VerifiedTokenCache::digest("a"), remembered("dead"));
        memory.keep(VerifiedTokenCache::digest("b"), remembered("live"));
        memory.retain(|kid| kid == "live");
        assert!(kid(&memory, &VerifiedTokenCache::digest("a")).is_none());
        assert!(kid(&memory, &VerifiedTokenCache::digest("b")).is_some());
    }
}
