//! The memory of a hashing thread: reused for every hash, with a larger temporary allocation where
//! a hash asks for more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Block;
use zeroize::Zeroizing;

use super::scheme::{self, Hash, Scheme, StoredHash};
use crate::error::{Error, Result};
use crate::model::Password;

/// How often each scheme was computed, over all threads.
#[derive(Clone, Default)]
pub(super) struct SchemeCounts(Arc<Mutex<BTreeMap<Scheme, u64>>>);

impl SchemeCounts {
    fn count(&self, scheme: Scheme) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(scheme).or_default() += 1;
    }

    /// The counts so far.
    pub(super) fn so_far(&self) -> BTreeMap<Scheme, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A thread's own memory.
pub(super) struct HashMemory {
    blocks: Vec<Block>,
    /// KiB that it keeps.
    owns: u32,
    computed: SchemeCounts,
}

impl HashMemory {
    /// Memory for a thread that keeps this many KiB, allocated at the first hash. Every hash is
    /// counted in `computed`.
    pub(super) fn keeping(kib: u32, computed: SchemeCounts) -> Self {
        Self { blocks: Vec::new(), owns: kib, computed }
    }

    /// Hashes a new password.
    pub(super) fn hash(
        &mut self,
        scheme: Scheme,
        password: &Password,
        salt: [u8; 16],
    ) -> Result<Hash> {
        let password = password.normalised();
        self.computed.count(scheme);
        self.with_memory(scheme.memory(), |memory| {
            scheme::hash(scheme, password.as_bytes(), salt, memory)
        })
    }

    /// Checks the bytes as received, then NFC-normalised: imported hashes were made from either.
    pub(super) fn matches(&mut self, stored: &StoredHash, password: &Password) -> Result<bool> {
        let normalised: Zeroizing<String> = password.normalised();
        let typed = password.reveal();
        self.computed.count(stored.scheme());
        self.with_memory(stored.scheme().memory(), |memory| {
            let matches = stored.matches(typed.as_bytes(), memory)?;
            if matches || normalised.as_str() == typed {
                return Ok(matches);
            }
            stored.matches(normalised.as_bytes(), memory)
        })
    }

    fn with_memory<T>(
        &mut self,
        kib: u32,
        work: impl FnOnce(&mut [Block]) -> Result<T>,
    ) -> Result<T> {
        if kib > self.owns {
            return work(&mut allocate(kib)?);
        }
        if kib > 0 && self.blocks.is_empty() {
            self.blocks = allocate(self.owns)?;
        }
        work(&mut self.blocks)
    }
}

fn allocate(kib: u32) -> Result<Vec<Block>> {
    let blocks = usize::try_from(kib).unwrap_or(usize::MAX);
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks).map_err(|cause| {
        Error::unavailable(format!("not enough memory for a hash of {kib} KiB")).caused_by(cause)
    })?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_with_the_first_hash_and_stays() {
        let mut bench = HashMemory::keeping(64, SchemeCounts::default());
        assert_eq!(bench.blocks.capacity(), 0);
        bench.hash("argon2id:64:1:1".parse().unwrap(), &Password::new("x"), [0; 16]).unwrap();
        let place = bench.blocks.as_ptr();
        bench
            .matches(
                &StoredHash::stand_in("argon2id:128:1:1".parse().unwrap()),
                &Password::new("x"),
            )
            .unwrap();
        assert_eq!((bench.blocks.len(), bench.blocks.as_ptr()), (64, place));
    }
}
