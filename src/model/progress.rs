//! How far long work is, and whether it must stop. The work and its observer share one value.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// The progress of long work. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<ProgressState>);

#[derive(Debug, Default)]
struct ProgressState {
    stage: Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Progress {
    /// Begins a stage of the work. The total is zero if it is unknown.
    pub fn begin(&self, stage: &'static str, total: u64) {
        *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Says how much of the stage is done.
    pub fn reach(&self, done: u64) {
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// The stage, how much of it is done, and its total.
    #[must_use]
    pub fn reached(&self) -> (&'static str, u64, u64) {
        let stage = *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner);
        (stage, self.0.done.load(Ordering::Relaxed), self.0.total.load(Ordering::Relaxed))
    }

    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Fails if the work was asked to stop.
    ///
    /// # Errors
    /// `Internal`, with a message for the person who stopped it.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::refused("interrupted; nothing was changed".to_owned()));
        }
        Ok(())
    }

    /// Whether the work was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Relaxed)
    }
}
