//! The one thread that writes for this process. It puts all waiting changes into one serializable
//! transaction and answers the callers only after the commit.
//!
//! Each job of a group has its own savepoint, so a job that fails or panics does not affect the
//! others. Other processes write at the same time: if one was in the way, or the connection was lost
//! before the commit was sent, nothing was changed, and the whole group is run again, in the end while no
//! other process writes. From the commit
//! on the outcome is open: every caller gets `Unavailable`, and nothing is retried.

use std::time::Duration;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::executor::{PgAccess, PgExecutor};
use super::fault::{Fault, FaultClass};
use super::retry::Attempts;
use super::setup::has_table_locks;
use crate::error::Result;
use crate::metrics::Stopwatch;
use crate::store::figures::EngineStats;
use crate::store::job::{JobVerdict, WriteJob};
use crate::store::queue::{Queue, WriterHandle};

/// How many changes share a transaction at most.
const GROUP: usize = 128;

/// How long the writer waits for changes before it looks whether the queue is closed.
const IDLE: Duration = Duration::from_millis(250);

/// How long a statement waits for a lock that another process holds.
const LOCK_PATIENCE: &str = "2s";

/// How often a group is attempted beside those of other processes. Each further attempt waits until it is
/// alone, and then nothing can be in its way.
const BESIDE_OTHERS: u32 = 3;

/// The command by which every transaction locks the table for changes before its snapshot. It fails if a
/// newer server has renamed the table, because this program may then change nothing any more (see
/// `setup`).
struct LockCommands {
    /// Other processes may write at the same time.
    shared: String,
    /// No other process writes.
    exclusive: String,
}

impl LockCommands {
    fn of(connection: &PgConnection, table: &str) -> Self {
        if has_table_locks(connection, table) {
            let lock = |mode: &str| format!("lock table {table} in {mode} mode;");
            return Self { shared: lock("row share"), exclusive: lock("exclusive") };
        }
        // Without locks of tables, the command only fails if the table is renamed.
        let read = format!("select one from {table};");
        Self { shared: read.clone(), exclusive: read }
    }
}

/// Starts the writer on an open connection. Every change locks this table.
pub(super) fn start(
    server: &PgServer,
    connection: PgConnection,
    (fence, table): (&Fence, &str),
) -> Result<WriterHandle> {
    let stats = EngineStats::new();
    let thread = PgWriterThread {
        begin: begin(&connection),
        locks: LockCommands::of(&connection, table),
        server: server.clone(),
        connection: Some(connection),
        fence: fence.clone(),
        stats: stats.clone(),
    };
    WriterHandle::start(stats, |queue| thread.write_all(queue))
}

/// The commands that begin a change. A scan of a small table would read all of its rows, and be in the way
/// of every change of one. What the server or the role of the user has set for durability is
/// never weakened, and raised where a commit would be acknowledged before it is on disk.
fn begin(connection: &PgConnection) -> String {
    let mut begin = format!(
        "begin isolation level serializable, read write; set local lock_timeout = '{LOCK_PATIENCE}'; \
         set local enable_seqscan = off;"
    );
    if matches!(connection.facts.synchronous_commit.as_str(), "off" | "local") {
        begin.push_str("set local synchronous_commit = on;");
    }
    begin
}

/// Why a group was not written.
enum GroupEnd {
    /// Nothing was changed. It can be run again.
    Again(FaultClass, String),
    /// Nothing more can be done now; perhaps it was written.
    Lost(String),
}

impl GroupEnd {
    fn before_commit(fault: &Fault) -> Self {
        match fault.class {
            FaultClass::Outage | FaultClass::Statement | FaultClass::Outdated => {
                Self::Lost(fault.error.chain())
            }
            class => Self::Again(class, fault.error.chain()),
        }
    }
}

/// The state of the writer thread.
struct PgWriterThread {
    begin: String,
    locks: LockCommands,
    server: PgServer,
    connection: Option<PgConnection>,
    fence: Fence,
    stats: EngineStats,
}

impl PgWriterThread {
    fn write_all(mut self, queue: &Queue) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.take(&mut group, GROUP, IDLE) {
            if !group.is_empty() {
                self.write_group(&mut group);
            }
        }
    }

    fn write_group(&mut self, group: &mut Vec<Box<dyn WriteJob>>) {
        let mut attempts = Attempts::start();
        let why = loop {
            group.retain(|job| job.is_wanted());
            if group.is_empty() {
                return;
            }
            if let Err(error) = self.fence.check() {
                break error.chain();
            }
            let watch = Stopwatch::start();
            match self.write(group, attempts.made()) {
                Ok(()) => {
                    self.stats.note_commit(group.len(), &watch);
                    group.drain(..).for_each(WriteJob::answer);
                    return;
                }
                Err(GroupEnd::Lost(why)) => {
                    self.connection = None;
                    break why;
                }
                Err(GroupEnd::Again(class, why)) => {
                    if class == FaultClass::Unprepared {
                        self.server.set_pooled();
                    }
                    if class != FaultClass::Conflict {
                        self.connection = None;
                    }
                    if !attempts.again(&self.server.env) {
                        break why;
                    }
                    tracing::debug!(why, "a group of changes is run again");
                }
            }
        };
        tracing::error!(
            changes = group.len(),
            why,
            "changes failed: the database cannot be written"
        );
        group.drain(..).for_each(|job| job.give_up(&why));
    }

    /// Writes the group in one transaction, after this many attempts. On success every kept change is on
    /// disk.
    fn write(&mut self, group: &mut [Box<dyn WriteJob>], made: u32) -> Result<(), GroupEnd> {
        let LockCommands { shared, exclusive } = &self.locks;
        let lock = if made < BESIDE_OTHERS { shared } else { exclusive };
        let begin = self.begin.clone() + lock.as_str();
        let connection = self
            .server
            .connected(&mut self.connection)
            .map_err(|error| GroupEnd::Again(FaultClass::Lost, error.chain()))?;
        let mut before = String::new();
        // Not sent together with the first statement, which would be committed alone if this failed.
        let begun = connection.command(&begin).map_err(|fault| GroupEnd::before_commit(&fault));
        let commit = match begun.and_then(|()| run_all(connection, group, &begin, &mut before)) {
            Ok(JobVerdict::Keep) => before + "commit",
            Ok(JobVerdict::Undo) => "rollback".to_owned(),
            Err(end) => {
                // Other connections are not used again. One that did not get its lock has begun too.
                if matches!(end, GroupEnd::Again(FaultClass::Conflict, _))
                    && connection.command("rollback").is_err()
                {
                    self.connection = None;
                }
                return Err(end);
            }
        };
        connection.command(&commit).map_err(|fault| match fault.class {
            // The server says that it rolled back.
            FaultClass::Conflict => GroupEnd::before_commit(&fault),
            _ => GroupEnd::Lost(format!("the commit failed: {}", fault.error.chain())),
        })
    }
}

/// Runs every job, each in its savepoint unless it is alone, and says how the transaction ends.
fn run_all(
    connection: &mut PgConnection,
    group: &mut [Box<dyn WriteJob>],
    begin: &str,
    before: &mut String,
) -> Result<JobVerdict, GroupEnd> {
    if let [job] = group {
        return run_job(connection, job.as_mut(), before, &format!("rollback; {begin}"));
    }
    for job in group.iter_mut().filter(|job| job.is_wanted()) {
        before.push_str("savepoint job;");
        if run_job(connection, job.as_mut(), before, "rollback to job")? == JobVerdict::Undo {
            before.push_str("rollback to job;");
        }
        before.push_str("release job;");
    }
    Ok(JobVerdict::Keep)
}

/// Runs one job. If it went on after a failed statement, it is run again with a savepoint around each
/// statement, after the commands that take back the first run.
fn run_job(
    connection: &mut PgConnection,
    job: &mut dyn WriteJob,
    before: &mut String,
    take_back: &str,
) -> Result<JobVerdict, GroupEnd> {
    let first = JobRun::of(connection, job, PgAccess::Write, before);
    match first.failure {
        None => return Ok(first.verdict),
        Some(FaultClass::Statement) if first.went_on || first.verdict == JobVerdict::Keep => {}
        Some(FaultClass::Statement) => return Ok(JobVerdict::Undo),
        Some(class) => return Err(given_up(class, job)),
    }
    before.clear();
    connection.command(take_back).map_err(|fault| GroupEnd::before_commit(&fault))?;
    let second = JobRun::of(connection, job, PgAccess::Guarded, before);
    match second.failure {
        None => Ok(second.verdict),
        Some(class) => Err(given_up(class, job)),
    }
}

/// What became of a job in the transaction of its group.
struct JobRun {
    verdict: JobVerdict,
    /// What ended the transaction, if a statement failed.
    failure: Option<FaultClass>,
    /// Whether the job ran another statement afterwards.
    went_on: bool,
}

impl JobRun {
    fn of(
        connection: &mut PgConnection,
        job: &mut dyn WriteJob,
        access: PgAccess,
        before: &mut String,
    ) -> Self {
        let mut executor = PgExecutor::new(connection, access, before);
        let verdict = job.run(&mut executor);
        let (failure, went_on) = (executor.failure(), executor.went_on());
        if failure.is_none() && verdict == JobVerdict::Keep {
            job.keep(executor.take_callbacks());
        }
        Self { verdict, failure, went_on }
    }
}

fn given_up(class: FaultClass, job: &dyn WriteJob) -> GroupEnd {
    let why = job.complaint().unwrap_or_else(|| "a statement failed".to_owned());
    match class {
        FaultClass::Outage | FaultClass::Statement | FaultClass::Outdated => GroupEnd::Lost(why),
        class => GroupEnd::Again(class, why),
    }
}
