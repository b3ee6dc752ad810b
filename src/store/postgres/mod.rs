//! The engine for a PostgreSQL server: readers and one writer, each a thread with a connection of its
//! own. Nothing of it runs on a worker of the caller's runtime, which would wait for the network.
//!
//! A reading closure sees one snapshot. A writing closure shares a serializable transaction with the
//! other waiting changes of this process, each in a savepoint, so closures are as safe from each other
//! and from other processes as they are in SQLite. One server uses a database at a time (see `lease`);
//! any number of commands may.

mod connection;
mod executor;
mod fault;
mod lease;
mod readers;
mod retry;
mod setup;
mod socket;
mod value;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::db::Db;
use super::figures::{DatabaseSpace, EngineStats};
use super::job;
use super::schema::{Plan, ProcessRole};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{PostgresTls, PostgresUrl};
use crate::sql;
use connection::PgServer;
use executor::{PgAccess, PgExecutor};
use lease::ServingLease;
use readers::PgReaders;
use writer::PgWriter;

/// How many times longer than it waits for a lock a server waits for another one that does not answer:
/// eight seconds.
const SILENCE: u32 = 4;

/// An open PostgreSQL database. Cheap to clone. Dropping the last clone writes all waiting changes and
/// then closes the connections.
#[derive(Clone)]
pub struct PostgresEngine(Arc<OpenServer>);

/// Dropped in this order: the readers end, then the writer finishes and gives the lease back.
struct OpenServer {
    readers: PgReaders,
    scanners: PgReaders,
    writer: PgWriter,
    notes: Vec<String>,
}

/// Whether this process may still use the database.
#[derive(Clone, Default)]
struct Fence(Arc<AtomicBool>);

impl Fence {
    /// Lets nothing through from now on.
    fn close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::unavailable("another authd has taken over the database"));
        }
        Ok(())
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
        let lease = match plan.role {
            ProcessRole::Server => {
                Some(ServingLease::take(&mut connection, plan.patience * SILENCE, env)?)
            }
            ProcessRole::Command => None,
        };
        if plan.role == ProcessRole::Server
            && let Err(error) = setup::upgrade(&mut connection, plan, env)
        {
            if let Some(lease) = lease {
                lease.give_back(&mut connection);
            }
            return Err(error);
        }
        Ok(Self(Arc::new(OpenServer {
            readers: PgReaders::for_keys(&server, &fence)?,
            scanners: PgReaders::for_scans(&server, &fence)?,
            writer: PgWriter::start(&server, connection, lease, &fence)?,
            notes: notes(url),
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

    /// Runs a reading closure of a single statement. Nothing is cached, so that what one process changes
    /// is seen by the next request everywhere.
    ///
    /// # Errors
    /// As [`super::Store::recall`].
    pub async fn recall<T, F>(&self, work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.0.readers.read(PgAccess::Glance, work).await.map(Arc::new)
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
        let (job, answer) = job::asked(work, patience);
        self.0.writer.submit(job)?;
        answer.await.unwrap_or_else(|_| {
            Err(Error::unavailable("the database writer stopped before this change"))
        })
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
