//! The one thread that changes the file. It puts all waiting changes into one transaction and
//! answers the callers only after the commit.
//!
//! Each job of a group has its own savepoint, so a job that fails or panics does not affect the
//! others; a job alone has the transaction to itself. If the transaction itself is lost, every caller in it gets `Unavailable`. Nothing is retried, and the
//! next group starts on a new connection.

use std::time::Duration;

use rusqlite::Connection;

use super::connection::run;
use super::executor::{Access, Executor};
use super::place::DatabasePath;
use super::wal_reader::WalReaderPin;
use super::{connection, fault};
use crate::error::Result;
use crate::metrics::Stopwatch;
use crate::store::figures::EngineStats;
use crate::store::job::{JobVerdict, WriteJob};
use crate::store::queue::{Queue, WriterHandle};
use crate::store::schema::{Plan, ProcessRole};

/// How many changes a server puts into one transaction.
const GROUP: usize = 256;

/// How many changes a command puts into one transaction. A small group keeps a running server from
/// waiting long for the lock.
const COMMAND_GROUP: usize = 16;

/// The minimum time for which a command leaves the lock free after each group while a server runs,
/// because SQLite's lock is not fair.
const COMMAND_PAUSE: Duration = Duration::from_millis(20);

/// How long the writer waits for changes before it tends the WAL anyway.
const IDLE: Duration = Duration::from_millis(500);

/// How often the writer polls a held lock.
const LOCK_POLL: Duration = Duration::from_millis(1);

/// WAL pages (4 MiB) after which the writer moves them into the database file.
const LOG_WORTH_MOVING: i64 = 1024;

/// WAL pages (32 MiB) after which the writer waits for readers so that the WAL can restart.
const LOG_TOO_LONG: i64 = 8192;

/// How long the restart of the WAL may wait for readers.
const RESTART_PATIENCE: Duration = Duration::from_millis(50);

/// Starts the writer on an open connection.
pub(super) fn start(
    place: &DatabasePath,
    connection: Connection,
    wal_reader: Option<WalReaderPin>,
    plan: &Plan,
) -> Result<WriterHandle> {
    let stats = EngineStats::new();
    let thread = WriterThread {
        place: place.clone(),
        connection: Some(connection),
        wal_reader,
        role: plan.role,
        lock_patience: plan.patience,
        log_after_attempt: 0,
        stats: stats.clone(),
    };
    WriterHandle::start(stats, |queue| thread.write_all(queue))
}

/// Why a group was lost.
enum Lost {
    /// Before any job ran. The changes waiting behind the group would fail as well.
    AtTheStart(String),
    /// After jobs ran: it is unknown what is on disk.
    OnTheWay(String),
}

/// The state of the writer thread.
struct WriterThread {
    place: DatabasePath,
    /// Dropped before the connection, because the last connection to close checkpoints the WAL.
    wal_reader: Option<WalReaderPin>,
    connection: Option<Connection>,
    role: ProcessRole,
    lock_patience: Duration,
    log_after_attempt: i64,
    stats: EngineStats,
}

impl WriterThread {
    fn write_all(mut self, queue: &Queue) {
        let limit = if self.role == ProcessRole::Server { GROUP } else { COMMAND_GROUP };
        let mut group = Vec::with_capacity(limit);
        while queue.take(&mut group, limit, IDLE) {
            if group.is_empty() {
                self.tidy();
                continue;
            }
            let watch = Stopwatch::start();
            match self.write(&mut group) {
                Ok(()) => {
                    self.stats.note_commit(group.len(), &watch);
                    group.drain(..).for_each(WriteJob::answer);
                }
                Err(lost) => self.give_up(&mut group, queue, lost),
            }
            self.tidy();
            if self.role == ProcessRole::Command && self.place.is_served() {
                let taken = Duration::from_secs_f64(watch.seconds());
                std::thread::sleep(taken.max(COMMAND_PAUSE));
            }
        }
        // Closed before the last connection, because the last connection to close checkpoints the
        // WAL.
        self.wal_reader = None;
        if let Some(Err((_, error))) = self.connection.take().map(Connection::close) {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }

    /// Writes the group in one transaction. On success every kept change is on disk.
    fn write(&mut self, group: &mut Vec<Box<dyn WriteJob>>) -> Result<(), Lost> {
        group.retain(|job| job.is_wanted());
        if group.is_empty() {
            return Ok(());
        }
        let connection = self.begun().map_err(|error| Lost::AtTheStart(error.to_string()))?;
        let end = match &mut group[..] {
            [job] => write_alone(connection, job.as_mut()),
            jobs => jobs
                .iter_mut()
                .try_for_each(|job| write_one(connection, job.as_mut()))
                .map(|()| JobVerdict::Keep),
        };
        match end.map_err(Lost::OnTheWay)? {
            JobVerdict::Keep => run(connection, "commit")
                .map_err(|error| Lost::OnTheWay(format!("the commit failed: {error}"))),
            JobVerdict::Undo => run(connection, "rollback")
                .map_err(|error| Lost::OnTheWay(format!("the rollback failed: {error}"))),
        }
    }

    /// Returns the connection inside a new transaction. No job has run yet, so a broken connection
    /// may be replaced once.
    fn begun(&mut self) -> rusqlite::Result<&Connection> {
        if let Err(error) = self.begin() {
            if fault::is_busy(&error) {
                return Err(error);
            }
            tracing::warn!(%error, "the database writer reopens its connection after an error");
            self.connection = None;
            self.begin()?;
        }
        self.connection()
    }

    fn begin(&mut self) -> rusqlite::Result<()> {
        let watch = Stopwatch::start();
        loop {
            match self.connection().and_then(|connection| run(connection, "begin immediate")) {
                Err(error)
                    if fault::is_busy(&error)
                        && watch.seconds() < self.lock_patience.as_secs_f64() =>
                {
                    std::thread::sleep(LOCK_POLL);
                }
                settled => return settled,
            }
        }
    }

    fn connection(&mut self) -> rusqlite::Result<&Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::writer(self.place.file())?,
        };
        Ok(self.connection.insert(connection))
    }

    fn give_up(&mut self, group: &mut Vec<Box<dyn WriteJob>>, queue: &Queue, lost: Lost) {
        let why = match lost {
            Lost::OnTheWay(why) => {
                // Closing the connection ends what is left of the transaction.
                self.connection = None;
                why
            }
            Lost::AtTheStart(why) => {
                group.extend(queue.rest());
                why
            }
        };
        tracing::error!(
            changes = group.len(),
            why,
            "changes failed: the database cannot be written"
        );
        group.drain(..).for_each(|job| job.give_up(&why));
    }

    /// Runs after the answers, and periodically for changes of other processes: tends the WAL and
    /// moves the position where readers start.
    fn tidy(&mut self) {
        if let Some(wal_reader) = &self.wal_reader {
            wal_reader.release();
        }
        self.tend_log();
        if let Some(wal_reader) = &self.wal_reader {
            wal_reader.hold();
        }
    }

    /// Checkpoints the WAL when enough has accumulated. A failure affects no caller, because the
    /// WAL keeps everything.
    fn tend_log(&mut self) {
        let Some(connection) = &self.connection else { return };
        let result = checkpoint(connection, "pragma wal_checkpoint(noop)").and_then(|log| {
            if log.pages >= LOG_TOO_LONG && log.pages - self.log_after_attempt >= LOG_WORTH_MOVING {
                self.log_after_attempt = log.pages;
                connection.busy_timeout(RESTART_PATIENCE)?;
                let restarted = checkpoint(connection, "pragma wal_checkpoint(restart)");
                connection.busy_timeout(Duration::ZERO)?;
                return restarted.map(|_| ());
            }
            if log.pages < LOG_TOO_LONG {
                self.log_after_attempt = 0;
            }
            if log.pages - log.moved >= LOG_WORTH_MOVING {
                checkpoint(connection, "pragma wal_checkpoint(passive)")?;
            }
            Ok(())
        });
        if let Err(error) = result {
            tracing::warn!(%error, "the WAL checkpoint failed");
        }
    }
}

/// Runs the only job of a transaction, and says how the transaction ends. SQLite keeps the former
/// content of each page that changes under a savepoint, and a long write would pay for that with
/// every statement.
fn write_alone(connection: &Connection, job: &mut dyn WriteJob) -> Result<JobVerdict, String> {
    if !job.is_wanted() {
        return Ok(JobVerdict::Undo);
    }
    run_job(connection, job)
}

/// Runs one job in its savepoint. An error means that the whole transaction is lost.
fn write_one(connection: &Connection, job: &mut dyn WriteJob) -> Result<(), String> {
    if !job.is_wanted() {
        return Ok(());
    }
    run(connection, "savepoint job").map_err(|error| error.to_string())?;
    if run_job(connection, job)? == JobVerdict::Undo {
        run(connection, "rollback to job").map_err(|error| error.to_string())?;
    }
    run(connection, "release job").map_err(|error| error.to_string())
}

fn run_job(connection: &Connection, job: &mut dyn WriteJob) -> Result<JobVerdict, String> {
    let mut executor = Executor::new(connection, Access::Write);
    let verdict = job.run(&mut executor);
    if connection.is_autocommit() {
        let behind = job.complaint().unwrap_or_default();
        return Err(format!("SQLite ended the transaction: {behind}"));
    }
    if verdict == JobVerdict::Keep {
        job.keep(executor.take_callbacks());
    }
    Ok(verdict)
}

/// The number of pages in the WAL, and how many of them are already in the database file.
struct WalSize {
    pages: i64,
    moved: i64,
}

fn checkpoint(connection: &Connection, pragma: &str) -> rusqlite::Result<WalSize> {
    connection
        .prepare_cached(pragma)?
        .query_row([], |row| Ok(WalSize { pages: row.get(1)?, moved: row.get(2)? }))
}
