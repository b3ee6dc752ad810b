//! All code that touches the database: the engine interface, the engines, and one file per table
//! group.
//!
//! [`Store::read`], [`Store::write`] and [`Store::decide`] take short, synchronous closures that
//! only use the database. A write is atomic. Only this module uses a database driver.

pub mod db;
mod decision;
pub mod sqlite;
pub mod tables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use db::Db;

pub use db::{Constraint, Row, Value};
pub use decision::Decision;

/// A handle to the database, independent of the engine. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: sqlite::Engine,
}

impl Store {
    /// Creates a store on an open engine.
    #[must_use]
    pub fn new(engine: sqlite::Engine) -> Self {
        Self { engine }
    }

    /// Opens the SQLite file at this path.
    ///
    /// # Errors
    /// As [`sqlite::Engine::open`].
    pub fn open(path: &Path, role: sqlite::ProcessRole) -> Result<Self> {
        sqlite::Engine::open(path, role).map(Self::new)
    }

    /// Reads from a database file without opening a store, even from one of an older schema
    /// version. Starts no writer and no pool.
    ///
    /// # Errors
    /// As [`sqlite::Engine::look`].
    pub fn look<T>(path: &Path, work: impl FnOnce(&mut dyn Db) -> Result<T>) -> Result<T> {
        sqlite::Engine::look(path, &sqlite::Plan::of(sqlite::ProcessRole::Command), work)
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

    /// The writer's statistics.
    #[must_use]
    pub fn vitals(&self) -> sqlite::WriterStats {
        self.engine.vitals()
    }

    /// Reads a few rows by key on the calling thread, from one snapshot.
    ///
    /// # Errors
    /// The closure's error, or `Unavailable` if the database cannot be read.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        std::future::ready(self.engine.read(&work)).await
    }

    /// Runs a frequent read of a single statement and caches its result under `key`: a question and
    /// its subject. The cached result is returned only while no process has changed the database
    /// since, so it is never stale.
    ///
    /// # Errors
    /// As [`Store::read`], or `Internal` if the closure runs a second statement.
    pub async fn recall<T, F>(&self, key: (&'static str, &str), work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        std::future::ready(self.engine.recall(key, &work)).await
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
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || engine.scan(&work)).await.map_err(|error| {
            Error::internal("a database scan panicked or was cancelled").caused_by(error)
        })?
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
