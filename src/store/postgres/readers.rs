//! The readers: threads with one connection each. Reads by key have threads of their own, so that
//! they never wait behind lists and scans.
//!
//! A closure sees one snapshot: a transaction that only reads, under repeatable read. A single statement
//! goes without one.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::executor::{PgAccess, PgExecutor};
use super::fault::FaultClass;
use super::retry::Attempts;
use crate::error::{Error, Result};
use crate::store::db::Db;

/// The threads for reads by key.
const READERS: usize = 8;

/// The threads for lists and scans.
const SCANNERS: usize = 3;

/// How many reads may wait; further reads are refused.
const QUEUE: usize = 4096;

/// Begins a transaction that sees one snapshot.
const SNAPSHOT: &str = "begin isolation level repeatable read, read only;";

/// A read on its way to a thread. It answers its caller itself.
type ReadJob = Box<dyn FnOnce(&mut Slot) + Send>;

/// Threads that take reads from one queue.
pub(super) struct PgReaders {
    queue: Option<SyncSender<ReadJob>>,
    threads: Vec<JoinHandle<()>>,
}

impl PgReaders {
    /// Threads for reads by key.
    pub(super) fn for_keys(server: &PgServer, fence: &Fence) -> Result<Self> {
        Self::start("authd-reader", READERS, server, fence)
    }

    /// Threads for lists and scans.
    pub(super) fn for_scans(server: &PgServer, fence: &Fence) -> Result<Self> {
        Self::start("authd-scanner", SCANNERS, server, fence)
    }

    fn start(name: &str, count: usize, server: &PgServer, fence: &Fence) -> Result<Self> {
        let (queue, jobs) = sync_channel::<ReadJob>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut readers = Self { queue: Some(queue), threads: Vec::new() };
        for _ in 0..count {
            let mut slot = Slot { server: server.clone(), fence: fence.clone(), connection: None };
            let jobs = jobs.clone();
            let run = move || {
                while let Some(job) = next(&jobs) {
                    job(&mut slot);
                }
            };
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            readers.threads.push(thread.map_err(|error| {
                Error::internal("failed to start a thread that reads").caused_by(error)
            })?);
        }
        Ok(readers)
    }

    /// Runs a reading closure on one of the threads. A panic of the closure is the caller's.
    pub(super) async fn read<T, F>(&self, access: PgAccess, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job: ReadJob = Box::new(move |slot| {
            if caller.is_closed() {
                return;
            }
            let read = catch_unwind(AssertUnwindSafe(|| slot.read(access, &work)));
            // A panic may have left a transaction open.
            let has_panicked = read.is_err();
            let _ = caller.send(read);
            slot.end(access, has_panicked);
        });
        let Some(queue) = &self.queue else {
            return Err(Error::unavailable("the database is closing"));
        };
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                Error::unavailable(format!("the read queue is full ({QUEUE} reads)"))
            }
            TrySendError::Disconnected(_) => {
                Error::unavailable("the database readers have stopped")
            }
        })?;
        match answer.await {
            Ok(Ok(read)) => read,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::unavailable("the database readers stopped before this read")),
        }
    }
}

fn next(jobs: &Mutex<Receiver<ReadJob>>) -> Option<ReadJob> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Drop for PgReaders {
    /// Waits until each connection is closed.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // If a closure owned the last handle, this runs on a reader, which cannot join itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a database reader ended in a panic");
            }
        }
    }
}

/// The connection of a thread. It is opened when it is needed, and again after it was lost.
struct Slot {
    server: PgServer,
    fence: Fence,
    connection: Option<PgConnection>,
}

impl Slot {
    fn read<T>(&mut self, access: PgAccess, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        self.fence.check()?;
        let mut attempts = Attempts::start();
        loop {
            let mut connection = match self.open() {
                Ok(connection) => connection,
                Err(_) if attempts.again(&self.server.env) => continue,
                Err(error) => return Err(Error::unavailable(error.chain())),
            };
            let mut before = String::new();
            if access == PgAccess::Read {
                before.push_str(SNAPSHOT);
            }
            let mut executor = PgExecutor::new(&mut connection, access, &mut before);
            let result = work(&mut executor);
            let failure = executor.failure();
            match failure {
                None | Some(FaultClass::Statement) => {
                    self.connection = Some(connection);
                    return result;
                }
                Some(FaultClass::Unprepared) => self.server.set_pooled(),
                Some(_) => {}
            }
            let is_over = failure == Some(FaultClass::Outage) || !attempts.again(&self.server.env);
            if is_over {
                return result.and(Err(Error::unavailable("a read went on after a failure")));
            }
        }
    }

    fn open(&mut self) -> Result<PgConnection> {
        match self.connection.take().filter(|open| !open.is_closed()) {
            Some(connection) => Ok(connection),
            None => PgConnection::open(&self.server),
        }
    }

    /// Ends the transaction after the caller got its answer.
    fn end(&mut self, access: PgAccess, has_panicked: bool) {
        let Some(connection) = &self.connection else { return };
        if has_panicked || access == PgAccess::Read && connection.command("rollback").is_err() {
            self.connection = None;
        }
    }
}
