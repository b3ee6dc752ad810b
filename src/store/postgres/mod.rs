//! The engine for a PostgreSQL server: lookups, readers, counters, one writer and the keeper of this
//! server's row, each a thread with a connection of its own. Nothing of it runs on a worker of the caller's runtime,
//! which would wait for the network.
//!
//! A reading closure sees one snapshot. A writing closure shares a serializable transaction with the
//! other waiting changes of this process, each in a savepoint, so closures are as safe from each other
//! and from other processes as they are in SQLite. Counters that several servers raise all the time have
//! transactions of their own (see `readers`), so that changes do not wait for them. Which servers use the
//! database is in `nodes`.

mod connection;
mod data_version;
mod executor;
mod fault;
mod lookup;
mod lookups;
mod nodes;
mod read_queue;
mod read_threads;
mod readers;
mod retry;
mod setup;
mod socket;
mod value;
mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::db::Db;
use super::figures::{DatabaseSpace, EngineStats};
use super::node::{ListedNode, Node};
use super::queue::WriterHandle;
use super::read_cache::Key;
use super::schema::{Plan, ProcessRole};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{PostgresTls, PostgresUrl};
use crate::sql;
use connection::{PgConnection, PgServer};
use executor::{PgAccess, PgExecutor};
use lookups::PgLookups;
use nodes::NodeKeeper;
use readers::PgReaders;

/// An open PostgreSQL database. Cheap to clone. Dropping the last clone writes all waiting changes and
/// then closes the connections.
#[derive(Clone)]
pub struct PostgresEngine(Arc<OpenServer>);

/// Dropped in this order: the readers end, then the writer finishes, then the row of this server goes.
struct OpenServer {
    lookups: PgLookups,
    readers: PgReaders,
    scanners: PgReaders,
    counters: PgReaders,
    writer: WriterHandle,
    notes: Vec<String>,
    node: Node,
    /// As of when it was opened, for a command; the node of a server knows it better.
    clock_ahead_at_start: Option<i64>,
    _keeper: Option<NodeKeeper>,
}

/// Whether this process may still use the database; why not, once it is closed.
#[derive(Clone, Default)]
struct Fence(Arc<OnceLock<String>>);

impl Fence {
    /// Lets nothing through from now on.
    fn close(&self, why: String) {
        // It stays closed for the first reason.
        let _ = self.0.set(why);
    }

    fn is_closed(&self) -> bool {
        self.0.get().is_some()
    }

    fn check(&self) -> Result<()> {
        self.0.get().map_or(Ok(()), |why| Err(Error::unavailable(why)))
    }
}

impl PostgresEngine {
    /// Opens a database. Refuses a server that is too old, a standby or without `fsync`, and a database
    /// that is missing (for a command), foreign, from a newer version, or in use by another server.
    pub fn open(url: &PostgresUrl, plan: &Plan, env: &Env) -> Result<Self> {
        on_a_thread(|| Self::open_here(url, plan, env))
    }

    fn open_here(url: &PostgresUrl, plan: &Plan, env: &Env) -> Result<Self> {
        let (server, fence) = (PgServer::new(url, env), Fence::default());
        let mut connection = setup::connect(&server)?;
        setup::prepare(&mut connection, plan)?;
        let clock = nodes::follow_clock(&mut connection, env).map_err(|fault| fault.error)?;
        let (keeper, node) = match plan.role {
            ProcessRole::Server => {
                let own = PgConnection::open(&server)?;
                let (keeper, member) = NodeKeeper::join(&server, own, plan, &fence)?;
                setup::upgrade(&mut connection, plan, env)?;
                (Some(keeper), Node::member(member))
            }
            ProcessRole::Command => (None, Node::default()),
        };
        Ok(Self(Arc::new(OpenServer {
            lookups: PgLookups::start(&server, &fence)?,
            readers: PgReaders::for_keys(&server, &fence)?,
            scanners: PgReaders::for_scans(&server, &fence)?,
            counters: PgReaders::for_counts(&server, &fence)?,
            writer: writer::start(&server, connection, (&fence, &setup::writing_table(plan)))?,
            notes: notes(url),
            node,
            clock_ahead_at_start: clock,
            _keeper: keeper,
        })))
    }

    /// Reads from the database at its current schema version, even an older one. Returns `None` if it
    /// is empty. Refuses one that is foreign or from a newer version.
    pub fn inspect<T: Send>(
        url: &PostgresUrl,
        plan: &Plan,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        on_a_thread(|| {
            let mut connection = setup::connect(&PgServer::new(url, &Env::real()))?;
            let Some(version) = setup::version(&connection, plan)? else { return Ok(None) };
            let mut before = "begin isolation level repeatable read, read only;".to_owned();
            work(&mut PgExecutor::new(&mut connection, PgAccess::Read, &mut before), version)
                .map(Some)
        })
    }

    /// Warnings about the connection, for the person who started the program.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// The writer's statistics.
    #[must_use]
    pub fn figures(&self) -> EngineStats {
        self.0.writer.figures()
    }

    /// This server among those that use the database.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// By how many milliseconds the clock of this machine is ahead of the database's.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        self.0.node.clock_ahead().or(self.0.clock_ahead_at_start)
    }

    /// All servers that use the database.
    ///
    /// # Errors
    /// As [`super::Store::nodes`].
    pub async fn nodes(&self) -> Result<Vec<ListedNode>> {
        self.scan(nodes::list).await
    }

    /// Runs a closure of a single statement that raises a counter.
    ///
    /// # Errors
    /// As [`super::Store::count`].
    pub async fn count<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.0.counters.read(PgAccess::Count, work).await
    }

    /// How large the database is. What is free inside of it is not known.
    ///
    /// # Errors
    /// As [`super::Store::space`].
    pub async fn space(&self) -> Result<DatabaseSpace> {
        let size = self.scan(|db| {
            let row = db.first(sql!("select pg_database_size(current_database())"), &[])?;
            row.map_or(Ok(0), |mut row| row.take::<i64>())
        });
        Ok(DatabaseSpace { total: u64::try_from(size.await?).unwrap_or(0), free: 0 })
    }

    /// Runs a reading closure on a reader.
    ///
    /// # Errors
    /// As [`super::Store::read`].
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.0.readers.read(PgAccess::Read, work).await
    }

    /// Runs a reading closure of a single statement. Its result is cached until a transaction ends
    /// in the cluster, so that what one process changes is seen by the next request everywhere.
    ///
    /// # Errors
    /// As [`super::Store::recall`].
    pub async fn recall<T, F>(&self, key: Key<'_>, work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.0.lookups.look_up(key, work).await
    }

    /// Runs a slow reading closure without delaying [`PostgresEngine::read`].
    ///
    /// # Errors
    /// As [`super::Store::scan`].
    pub async fn scan<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.0.scanners.read(PgAccess::Read, work).await
    }

    /// Passes a closure to the writer.
    ///
    /// # Errors
    /// As [`super::Store::write_patiently`].
    pub async fn write<T, F>(&self, patience: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.0.writer.write(patience, work).await
    }
}

/// Runs work that waits for the network on a thread that is no worker of a runtime.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, work);
        let thread = thread.map_err(|error| {
            Error::internal("failed to start a thread for the database").caused_by(error)
        })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn notes(url: &PostgresUrl) -> Vec<String> {
    let is_open = url.tls == PostgresTls::Off && !url.host.is_local();
    let note = || {
        format!(
            "the connection to {url} is not encrypted (sslmode=disable): others on that network can read and change it"
        )
    };
    is_open.then(note).into_iter().collect()
}
