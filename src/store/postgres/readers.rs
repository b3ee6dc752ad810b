//! The readers: threads with one connection each. Reads by key have threads of their own, so that
//! they never wait behind lists and scans, and so have the counters that several servers raise.
//!
//! A closure sees one snapshot: a transaction that only reads, under repeatable read. (A single statement
//! needs none: see `lookups`.) A counter is raised in one statement under read committed, which waits for
//! the same row instead of failing; like a count in memory it may be lost when PostgreSQL itself crashes,
//! so it does not wait for the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::executor::{PgAccess, PgExecutor};
use super::fault::FaultClass;
use super::read_queue::ReadTaker;
use super::read_threads::{ReadThreads, Slot, answer_of};
use super::retry::Attempts;
use crate::error::{Error, Result};
use crate::store::db::Db;

/// The threads for reads by key.
const READERS: usize = 6;

/// The threads for lists and scans.
const SCANNERS: usize = 3;

/// The threads for counters.
const COUNTERS: usize = 3;

/// Begins a transaction that sees one snapshot.
const SNAPSHOT: &str = "begin isolation level repeatable read, read only;";

/// Begins a transaction for one statement that raises a counter.
const COUNTING: &str = "begin isolation level read committed, read write; \
     set local lock_timeout = '2s'; set local synchronous_commit = off;";

/// A read on its way to a thread. It answers its caller itself.
type ReadJob = Box<dyn FnOnce(&mut Slot) + Send>;

/// Threads that run one read after the other.
pub(super) struct PgReaders(ReadThreads<ReadJob>);

impl PgReaders {
    /// Threads for reads by key.
    pub(super) fn for_keys(server: &PgServer, fence: &Fence) -> Result<Self> {
        Self::start("authd-reader", READERS, server, fence)
    }

    /// Threads for lists and scans.
    pub(super) fn for_scans(server: &PgServer, fence: &Fence) -> Result<Self> {
        Self::start("authd-scanner", SCANNERS, server, fence)
    }

    /// Threads for counters.
    pub(super) fn for_counts(server: &PgServer, fence: &Fence) -> Result<Self> {
        Self::start("authd-counter", COUNTERS, server, fence)
    }

    fn start(name: &str, count: usize, server: &PgServer, fence: &Fence) -> Result<Self> {
        let run_all = |slot: &mut Slot, reads: &ReadTaker<'_, ReadJob>| {
            while let Some(read) = reads.next() {
                read(slot);
            }
        };
        ReadThreads::start(name, count, (server, fence), run_all).map(Self)
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
        self.0.add(job)?;
        answer_of(answer).await
    }
}

/// The commands before the first statement.
fn begin(access: PgAccess) -> &'static str {
    match access {
        PgAccess::Read => SNAPSHOT,
        PgAccess::Count => COUNTING,
        PgAccess::Write | PgAccess::Guarded => "",
    }
}

/// Ends the transaction of a counter, before the caller gets its answer. Whether a count is kept whose
/// connection is lost here is not known: it is not raised again.
fn end_count<T>(connection: &PgConnection, access: PgAccess, result: &Result<T>) -> Result<()> {
    if access != PgAccess::Count {
        return Ok(());
    }
    let command = if result.is_ok() { "commit" } else { "rollback" };
    connection.command(command).map_err(|fault| fault.error)
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
            let mut before = begin(access).to_owned();
            let mut executor = PgExecutor::new(&mut connection, access, &mut before);
            let result = work(&mut executor);
            let failure = executor.failure();
            match failure {
                None | Some(FaultClass::Statement) => {
                    let ended = end_count(&connection, access, &result);
                    self.connection = ended.is_ok().then_some(connection);
                    return result.and_then(|value| ended.map(|()| value));
                }
                Some(FaultClass::Unprepared) => self.server.set_pooled(),
                Some(_) => {}
            }
            let is_final = matches!(failure, Some(FaultClass::Outage | FaultClass::Outdated));
            let is_over = is_final || !attempts.again(&self.server.env);
            if is_over {
                return result.and(Err(Error::unavailable("a read went on after a failure")));
            }
        }
    }

    /// Ends the transaction of a read after the caller got its answer.
    fn end(&mut self, access: PgAccess, has_panicked: bool) {
        let Some(connection) = &self.connection else { return };
        if has_panicked || access == PgAccess::Read && connection.command("rollback").is_err() {
            self.connection = None;
        }
    }
}
