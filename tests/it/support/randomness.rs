//! The randomness of a scenario: it counts its calls, and lets time pass if the scenario wants that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use authd::env::{HandClock, Random, SystemRandomness};
use authd::error::Result;

/// The system's randomness. Each call advances the clock, so that what one request does in turn has
/// different times.
pub struct CountedRandom {
    system: SystemRandomness,
    draws: AtomicUsize,
    clock: Arc<HandClock>,
    /// How far, in milliseconds.
    pace: AtomicU64,
}

impl CountedRandom {
    /// Randomness during which this clock stands still.
    pub fn beside(clock: Arc<HandClock>) -> Self {
        let system = SystemRandomness::default();
        Self { system, draws: AtomicUsize::new(0), clock, pace: AtomicU64::new(0) }
    }

    /// How often it was called so far.
    pub fn draws(&self) -> usize {
        self.draws.load(Ordering::SeqCst)
    }

    /// Sets how many milliseconds pass with each call from now on.
    pub fn set_pace(&self, millis: u64) {
        self.pace.store(millis, Ordering::SeqCst);
    }
}

impl Random for CountedRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        self.draws.fetch_add(1, Ordering::SeqCst);
        self.clock.advance(Duration::from_millis(self.pace.load(Ordering::SeqCst)));
        self.system.fill(buffer)
    }
}
