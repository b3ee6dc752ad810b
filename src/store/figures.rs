//! What an engine counts about its writes, for the metrics.

use crate::metrics::Histogram;

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
