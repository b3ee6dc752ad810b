//! The queue of changes that wait for an engine's writer: bounded, and drained in groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::job::WriteJob;
use crate::error::{Error, Result};
use crate::metrics::Stopwatch;

/// How many changes may wait; further changes are refused.
const QUEUE: usize = 1024;

/// Creates the two ends of a queue.
pub(in crate::store) fn queue() -> (QueueSender, Queue) {
    let (sender, jobs) = sync_channel(QUEUE);
    let length = Arc::new(AtomicUsize::new(0));
    (QueueSender { queue: Some(sender), length: length.clone() }, Queue { jobs, length })
}

/// The callers' end.
pub(in crate::store) struct QueueSender {
    queue: Option<SyncSender<Box<dyn WriteJob>>>,
    length: Arc<AtomicUsize>,
}

impl QueueSender {
    /// How many changes wait.
    pub(in crate::store) fn waiting(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Takes no further change. The writer ends after those that wait.
    pub(in crate::store) fn close(&mut self) {
        self.queue = None;
    }

    pub(in crate::store) fn submit(&self, job: Box<dyn WriteJob>) -> Result<()> {
        let Some(queue) = &self.queue else {
            return Err(Error::unavailable("the database is closing"));
        };
        self.length.fetch_add(1, Ordering::Relaxed);
        queue.try_send(job).map_err(|error| {
            self.length.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => {
                    Error::unavailable(format!("the write queue is full ({QUEUE} changes)"))
                }
                TrySendError::Disconnected(_) => {
                    Error::unavailable("the database writer has stopped")
                }
            }
        })
    }
}

/// The writer's end.
pub(in crate::store) struct Queue {
    jobs: Receiver<Box<dyn WriteJob>>,
    length: Arc<AtomicUsize>,
}

impl Queue {
    /// Takes up to `limit` waiting changes, or none after an idle period. Returns false when the
    /// queue is closed. If every change in the group can wait, the group gets that time to grow.
    pub(in crate::store) fn take(
        &self,
        group: &mut Vec<Box<dyn WriteJob>>,
        limit: usize,
        idle: Duration,
    ) -> bool {
        let first = match self.jobs.recv_timeout(idle) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let (watch, mut patience) = (Stopwatch::start(), first.patience());
        group.push(first);
        while group.len() < limit {
            let left = patience.saturating_sub(Duration::from_secs_f64(watch.seconds()));
            let next = if left.is_zero() {
                self.jobs.try_recv().ok()
            } else {
                self.jobs.recv_timeout(left).ok()
            };
            let Some(next) = next else { break };
            patience = patience.min(next.patience());
            group.push(next);
        }
        self.length.fetch_sub(group.len(), Ordering::Relaxed);
        true
    }

    /// The changes that wait behind a group.
    pub(in crate::store) fn rest(&self) -> impl Iterator<Item = Box<dyn WriteJob>> {
        self.jobs.try_iter().inspect(|_| {
            self.length.fetch_sub(1, Ordering::Relaxed);
        })
    }
}
