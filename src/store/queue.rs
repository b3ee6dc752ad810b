//! The writer thread of an engine, and the queue of changes before it: bounded, and drained in groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::db::Db;
use super::figures::EngineStats;
use super::job::{self, WriteJob};
use crate::error::{Error, Result};
use crate::metrics::Stopwatch;

/// How many changes may wait; further changes are refused.
const QUEUE: usize = 1024;

/// The handle to the writer thread of an engine.
pub(in crate::store) struct WriterHandle {
    stats: EngineStats,
    /// `None` once the handle is dropped.
    queue: Option<SyncSender<Box<dyn WriteJob>>>,
    length: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl WriterHandle {
    /// Starts the thread. It ends when `write_all` returns, which it does once the queue is closed.
    pub(in crate::store) fn start(
        stats: EngineStats,
        write_all: impl FnOnce(&Queue) + Send + 'static,
    ) -> Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        let length = Arc::new(AtomicUsize::new(0));
        let queue = Queue { jobs, length: length.clone() };
        let thread = std::thread::Builder::new()
            .name("authd-writer".to_owned())
            .spawn(move || write_all(&queue))
            .map_err(|error| {
                Error::internal("failed to start the database writer thread").caused_by(error)
            })?;
        Ok(Self { stats, queue: Some(sender), length, thread: Some(thread) })
    }

    /// The writer's statistics.
    pub(in crate::store) fn figures(&self) -> EngineStats {
        EngineStats { waiting: self.length.load(Ordering::Relaxed), ..self.stats.clone() }
    }

    /// Passes a closure to the writer. The future waits until its changes are on disk, and does not
    /// hold the closure, which may be large.
    pub(in crate::store) fn write<T, F>(
        &self,
        patience: Duration,
        work: F,
    ) -> impl Future<Output = Result<T>>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let (job, answer) = job::asked(work, patience);
        let submitted = self.submit(job);
        async move {
            submitted?;
            answer.await.unwrap_or_else(|_| {
                Err(Error::unavailable("the database writer stopped before this change"))
            })
        }
    }

    fn submit(&self, job: Box<dyn WriteJob>) -> Result<()> {
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

impl Drop for WriterHandle {
    /// Lets the writer end after the changes that wait, and waits for it.
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        // If a closure owned the last handle, this runs on the writer's own thread, which cannot
        // join itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the database writer ended in a panic");
        }
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
