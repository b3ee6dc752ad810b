//! All code that touches the database: the engine interface, the engines, the schema with its
//! upgrade steps, and one file per table group.
//!
//! [`Store::read`], [`Store::write`] and [`Store::decide`] take short, synchronous closures that
//! only use the database. A write is atomic. Only this module uses a database driver.

pub mod db;
mod decision;
pub mod engine;
pub mod figures;
mod job;
pub mod node;
pub mod postgres;
mod queue;
mod read_cache;
pub mod schema;
pub mod sqlite;
pub mod steps;
pub mod tables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::env::Env;
use crate::error::Result;
use crate::metrics::Stopwatch;
use crate::model::{Database, Progress};
use db::Db;
use sqlite::SqliteEngine;

pub use db::{Constraint, Row, Value};
pub use decision::Decision;
pub use engine::Engine;
pub use figures::{DatabaseSpace, EngineStats};
pub use node::{ListedNode, Node, Tenure};
pub use schema::{Plan, ProcessRole, Sharing};
pub use sqlite::site::{DatabaseSite, Occupied};

/// The longest pause between two steps of background work.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A handle to the database, independent of the engine. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
}

impl Store {
    /// Creates a store on an open engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Opens a database.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open(database: &Database, role: ProcessRole, env: &Env) -> Result<Self> {
        Engine::open(database, &Plan::of(role), env).map(Self::new)
    }

    /// Opens a database for a server that no other may use meanwhile.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_alone(database: &Database, env: &Env) -> Result<Self> {
        let plan = Plan { sharing: Sharing::Alone, ..Plan::of(ProcessRole::Server) };
        Engine::open(database, &plan, env).map(Self::new)
    }

    /// Reads from a database without opening a store, even from one of an older schema version,
    /// which the closure is given. Returns `None` if there is no database. Starts no writer and no
    /// pool.
    ///
    /// # Errors
    /// As [`Engine::inspect`].
    pub fn inspect<T: Send>(
        database: &Database,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        Engine::inspect(database, &Plan::of(ProcessRole::Command), work)
    }

    /// Warnings about the database's location, for the person who started the program.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        self.engine.notes()
    }

    /// Whether a server has the database open. Commands then take care not to make it wait.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.engine.is_served()
    }

    /// This server among those that share the database.
    #[must_use]
    pub fn node(&self) -> Node {
        self.engine.node()
    }

    /// By how many milliseconds the clock of this machine is ahead of the database's, if that is known.
    /// A file has no clock of its own.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        self.engine.clock_ahead()
    }

    /// All servers that share a PostgreSQL database, this one included. A file has none to list.
    ///
    /// # Errors
    /// `Unavailable` if the database cannot be read.
    pub async fn nodes(&self) -> Result<Vec<ListedNode>> {
        self.engine.nodes().await
    }

    /// What the engine has counted so far.
    #[must_use]
    pub fn figures(&self) -> EngineStats {
        self.engine.figures()
    }

    /// The bytes that the database can still grow by; `None` if that is unknown.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        self.engine.free_space()
    }

    /// How large the database is, and how much of that is free.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be read.
    pub async fn space(&self) -> Result<DatabaseSpace> {
        self.engine.space().await
    }

    /// Gives a little of the free space back to the filesystem, in one short change, and pauses as
    /// [`Store::write_step`] does.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn give_back(&self) -> Result<()> {
        let watch = Stopwatch::start();
        let done = self.engine.give_back().await;
        self.rest_after(&watch).await;
        done
    }

    /// Pauses for as long as a step of background work took.
    async fn rest_after(&self, watch: &Stopwatch) {
        // Without a server, no other change waits.
        if self.is_served() {
            let pause = Duration::from_secs_f64(watch.seconds()).min(LONGEST_PAUSE);
            tokio::time::sleep(pause).await;
        }
    }

    /// The first thing that is wrong in the database, if anything is. Reads all of it, on a blocking
    /// thread.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be read.
    pub async fn fault(&self) -> Result<Option<String>> {
        self.engine.fault().await
    }

    /// Copies the whole database into an empty file, from one snapshot, without what was deleted.
    /// Blocks this thread, and no writer. The copy is a SQLite file that is not synced yet.
    ///
    /// # Errors
    /// If the database or the file cannot be used, or the work was cancelled.
    pub fn copy_into(&self, target: &Path, progress: &Progress) -> Result<()> {
        self.engine.copy_into(target, progress)
    }

    /// How large a copy will be, in bytes.
    pub fn copy_size(&self) -> Result<u64> {
        self.engine.copy_size()
    }

    /// Checks every page, index and reference of a copy that no process has open, and returns its
    /// schema version. Blocks this thread.
    ///
    /// # Errors
    /// If it is foreign, damaged or from a newer version.
    pub fn check_copy(path: &Path, progress: &Progress) -> Result<i64> {
        SqliteEngine::check(path, &Plan::of(ProcessRole::Command), progress)
    }

    /// The schema version of a database file, which may be newer than any that is known.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn version_of(path: &Path) -> Result<i64> {
        SqliteEngine::version_of(path)
    }

    /// The text of the schema.
    #[must_use]
    pub fn schema() -> &'static str {
        Plan::of(ProcessRole::Command).schema
    }

    /// The newest schema version that this program knows.
    #[must_use]
    pub fn known_version() -> i64 {
        Plan::of(ProcessRole::Command).version()
    }

    /// Reads from a copy that no process has open; the closure gets its schema version.
    ///
    /// # Errors
    /// As [`Store::check_copy`], or the closure's.
    pub fn read_copy<T>(
        path: &Path,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T>,
    ) -> Result<T> {
        SqliteEngine::read_file(path, &Plan::of(ProcessRole::Command), work)
    }

    /// Takes the place of a database, to put a file there.
    ///
    /// # Errors
    /// As [`DatabaseSite::take`], or if it is a PostgreSQL database.
    pub fn site(database: &Database, occupied: Occupied) -> Result<DatabaseSite> {
        let path = database.file("putting a file in place of a database")?;
        DatabaseSite::take(path, occupied, Plan::of(ProcessRole::Command))
    }

    /// Reads a few rows by key, from one snapshot.
    ///
    /// # Errors
    /// The closure's error, or `Unavailable` if the database cannot be read.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.engine.read(work).await
    }

    /// Runs a frequent read of a single statement and caches its result under `key`: a question and
    /// its subject, whose results have one type. The cached result is returned only while no process has
    /// changed the database since, so it is never stale. On PostgreSQL, such reads are sent together: the
    /// closure runs to learn its statement, and again with the rows. So it must run the same statement each
    /// time, which begins with `select`.
    ///
    /// # Errors
    /// As [`Store::read`], or `Internal` if the closure runs a second statement, or another one the second
    /// time.
    pub async fn recall<T, F>(&self, key: (&'static str, &str), work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.engine.recall(key, work).await
    }

    /// Reads lists and scans on a blocking thread.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn scan<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.engine.scan(work).await
    }

    /// Runs one atomic change and returns after it is on disk. The engine may run the closure more
    /// than once.
    ///
    /// # Errors
    /// The closure's error, with nothing changed, or `Unavailable` if the change could not be made
    /// durable.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.write_patiently(Duration::ZERO, work).await
    }

    /// As [`Store::write`], for a change that can wait: it is batched for up to `patience` with
    /// other changes in one commit.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_patiently<T, F>(&self, patience: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.engine.write(patience, work).await
    }

    /// Runs one statement that raises a counter, which other servers may be raising at the same moment.
    /// It neither waits for other changes nor makes them wait, and need not be on disk when this returns.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn count<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.engine.count(work).await
    }

    /// As [`Store::write`], for a step of background work that has many. It returns only after a
    /// pause as long as the write, so that other changes have at least half of the writer's time.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_step<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let watch = Stopwatch::start();
        let written = self.write(work).await;
        self.rest_after(&watch).await;
        written
    }

    /// Runs one atomic change that may refuse its caller: the closure decides whether a refusal
    /// keeps the changes ([`Decision::CommitThenRefuse`]) or undoes them (`Err`).
    ///
    /// # Errors
    /// The refusal, with the changes kept; otherwise as [`Store::write`].
    pub async fn decide<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<Decision<T>> + Send + 'static,
    {
        self.decide_patiently(Duration::ZERO, work).await
    }

    /// As [`Store::decide`], for a change that can wait, as in [`Store::write_patiently`].
    ///
    /// # Errors
    /// As [`Store::decide`].
    pub async fn decide_patiently<T, F>(&self, patience: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<Decision<T>> + Send + 'static,
    {
        self.write_patiently(patience, work).await?.into_result()
    }
}
