//! What an engine counts about its writes, for the metrics.

use crate::metrics::Histogram;

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
