//! What an engine counts about its writes, for the metrics.

use crate::metrics::{Histogram, Stopwatch};

/// Histogram buckets for the number of changes per commit.
const GROUP_SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Histogram buckets for the seconds that a group takes to be written.
const COMMIT_SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 1.0, 2.5];

/// How large a database is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatabaseSpace {
    /// All of its pages.
    pub total: u64,
    /// Pages that are empty and used again.
    pub free: u64,
}

/// The figures of an engine so far.
#[derive(Debug, Clone)]
pub struct EngineStats {
    /// The number of waiting changes.
    pub waiting: usize,
    /// Changes per commit.
    pub groups: Histogram,
    /// Seconds that groups took to be written.
    pub commits: Histogram,
}

impl EngineStats {
    /// Figures of an engine that has written nothing.
    pub(super) fn new() -> Self {
        Self {
            waiting: 0,
            groups: Histogram::new(GROUP_SIZES),
            commits: Histogram::new(COMMIT_SECONDS),
        }
    }

    /// Counts a commit of this many changes. It is not counted if there are none, because every caller has
    /// gone away.
    pub(super) fn note_commit(&self, changes: usize, watch: &Stopwatch) {
        if let Ok(changes @ 1..) = u32::try_from(changes) {
            self.groups.observe(changes.into());
            self.commits.observe(watch.seconds());
        }
    }
}
