//! The one thread that writes for this process. It puts all waiting changes into one serializable
//! transaction and answers the callers only after the commit.
//!
//! Each job of a group has its own savepoint, so a job that fails or panics does not affect the
//! others. Other processes write at the same time: if one was in the way, or the connection was lost
//! before the commit was sent, nothing was changed, and the whole group is run again. From the commit
//! on the outcome is open: every caller gets `Unavailable`, and nothing is retried.

use std::thread::JoinHandle;
use std::time::Duration;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::executor::{PgAccess, PgExecutor};
use super::fault::{Fault, FaultClass};
use super::lease::ServingLease;
use super::retry::Attempts;
use crate::error::{Error, Result};
use crate::metrics::Stopwatch;
use crate::store::figures::EngineStats;
use crate::store::job::{JobVerdict, WriteJob};
use crate::store::queue::{Queue, QueueSender, queue};

/// How many changes share a transaction at most.
const GROUP: usize = 128;

/// How long the writer waits for changes before it looks after its lease.
const IDLE: Duration = Duration::from_millis(250);

/// How long a statement waits for a lock that another process holds.
const LOCK_PATIENCE: &str = "2s";

/// The handle to the writer thread.
pub(super) struct PgWriter {
    stats: EngineStats,
    queue: QueueSender,
    thread: Option<JoinHandle<()>>,
}

impl PgWriter {
    /// Starts the thread on an open connection. It keeps the lease, if there is one.
    pub(super) fn start(
        server: &PgServer,
        connection: PgConnection,
        lease: Option<ServingLease>,
        fence: &Fence,
    ) -> Result<Self> {
        let (sender, jobs) = queue();
        let stats = EngineStats::new();
        let thread = PgWriterThread {
            begin: begin(&connection),
            server: server.clone(),
            connection: Some(connection),
            lease,
            fence: fence.clone(),
            stats: stats.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("authd-writer".to_owned())
            .spawn(move || thread.write_all(&jobs))
            .map_err(|error| {
                Error::internal("failed to start the database writer thread").caused_by(error)
            })?;
        Ok(Self { stats, queue: sender, thread: Some(thread) })
    }

    /// The writer's statistics.
    pub(super) fn figures(&self) -> EngineStats {
        EngineStats { waiting: self.queue.waiting(), ..self.stats.clone() }
    }

    pub(super) fn submit(&self, job: Box<dyn WriteJob>) -> Result<()> {
        self.queue.submit(job)
    }
}

impl Drop for PgWriter {
    /// Writes all waiting changes, and gives the lease back.
    fn drop(&mut self) {
        self.queue.close();
        let Some(thread) = self.thread.take() else { return };
        // If a closure owned the last handle, this runs on the writer's own thread, which cannot
        // join itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the database writer ended in a panic");
        }
    }
}

/// The commands that begin a change. What the server or the role of the user has set for durability is
/// never weakened, and raised where a commit would be acknowledged before it is on disk.
fn begin(connection: &PgConnection) -> String {
    let mut begin = format!(
        "begin isolation level serializable, read write; set local lock_timeout = '{LOCK_PATIENCE}';"
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
            FaultClass::Outage | FaultClass::Statement => Self::Lost(fault.error.chain()),
            class => Self::Again(class, fault.error.chain()),
        }
    }
}

/// The state of the writer thread.
struct PgWriterThread {
    begin: String,
    server: PgServer,
    connection: Option<PgConnection>,
    lease: Option<ServingLease>,
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
            self.keep_lease();
        }
        if let (Some(lease), Ok(connection)) = (self.lease.take(), self.connection()) {
            lease.give_back(connection);
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
            match self.write(group) {
                Ok(()) => {
                    self.note(group.len(), &watch);
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

    fn note(&self, changes: usize, watch: &Stopwatch) {
        if let Ok(changes) = u32::try_from(changes) {
            self.stats.groups.observe(changes.into());
            self.stats.commits.observe(watch.seconds());
        }
    }

    /// Writes the group in one transaction. On success every kept change is on disk.
    fn write(&mut self, group: &mut [Box<dyn WriteJob>]) -> Result<(), GroupEnd> {
        let begin = self.begin.clone();
        let connection =
            self.connection().map_err(|error| GroupEnd::Again(FaultClass::Lost, error.chain()))?;
        // Not sent together with the first statement, which would be committed alone if this failed.
        connection.command(&begin).map_err(|fault| GroupEnd::before_commit(&fault))?;
        let mut before = String::new();
        let end = run_all(connection, group, &begin, &mut before);
        let commit = match end {
            Ok(JobVerdict::Keep) => before + "commit",
            Ok(JobVerdict::Undo) => "rollback".to_owned(),
            Err(end) => {
                if connection.command("rollback").is_err() {
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

    fn connection(&mut self) -> Result<&mut PgConnection> {
        let connection = match self.connection.take().filter(|open| !open.is_closed()) {
            Some(connection) => connection,
            None => PgConnection::open(&self.server)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Renews the lease when it is time. If another server has taken it over, this process neither reads
    /// nor writes from now on.
    fn keep_lease(&mut self) {
        let Some(mut lease) = self.lease.take_if(|lease| lease.is_due()) else { return };
        let kept = match self.connection() {
            Ok(connection) => lease.renew(connection),
            Err(error) => {
                tracing::warn!(error = error.chain(), "the lease of this server was not renewed");
                Ok(true)
            }
        };
        match kept {
            Ok(true) => self.lease = Some(lease),
            Ok(false) => {
                tracing::error!(
                    "another authd has taken over {}: this one stops using it",
                    self.server.url
                );
                self.fence.close();
            }
            Err(fault) => {
                tracing::warn!(
                    error = fault.error.chain(),
                    "the lease of this server was not renewed"
                );
                self.connection = None;
                self.lease = Some(lease);
            }
        }
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
    let mut executor = PgExecutor::new(connection, PgAccess::Write, before);
    let verdict = job.run(&mut executor);
    let (failure, went_on) = (executor.failure(), executor.went_on());
    match failure {
        None => {
            if verdict == JobVerdict::Keep {
                job.keep(executor.take_callbacks());
            }
            return Ok(verdict);
        }
        Some(FaultClass::Statement) => {}
        Some(class) => return Err(given_up(class, job)),
    }
    if verdict == JobVerdict::Undo && !went_on {
        return Ok(verdict);
    }
    before.clear();
    connection.command(take_back).map_err(|fault| GroupEnd::before_commit(&fault))?;
    let mut executor = PgExecutor::new(connection, PgAccess::Guarded, before);
    let verdict = job.run(&mut executor);
    match executor.failure() {
        None => {
            if verdict == JobVerdict::Keep {
                job.keep(executor.take_callbacks());
            }
            Ok(verdict)
        }
        Some(class) => Err(given_up(class, job)),
    }
}

fn given_up(class: FaultClass, job: &dyn WriteJob) -> GroupEnd {
    let why = job.complaint().unwrap_or_else(|| "a statement failed".to_owned());
    match class {
        FaultClass::Outage | FaultClass::Statement => GroupEnd::Lost(why),
        class => GroupEnd::Again(class, why),
    }
}
