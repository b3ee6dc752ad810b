//! All that touches the database: the executor seam, the engines, one file per table group.
//!
//! [`Store::read`] and [`Store::write`] take short, synchronous, database-only closures; a write is one atomic unit.
//! Only this room knows a database driver.

pub mod accounts;
pub mod anomalies;
pub mod apps;
pub mod audit;
pub mod challenges;
pub mod clients;
pub mod codes;
pub mod db;
pub mod directory;
pub mod erasure;
pub mod export;
pub mod factors;
pub mod files;
pub mod health;
pub mod instance;
pub mod keys;
pub mod links;
pub mod outbox;
pub mod roles;
pub mod sessions;
pub mod space;
pub mod sqlite;
pub mod stats;
pub mod transfer;
pub mod tries;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use db::Db;

pub use db::{Constraint, Row, Value};

/// The database, however it is kept. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: sqlite::Engine,
}

impl Store {
    /// A store on an opened engine.
    #[must_use]
    pub fn new(engine: sqlite::Engine) -> Self {
        Self { engine }
    }

    /// Opens the SQLite file at this path.
    ///
    /// # Errors
    /// As [`sqlite::Engine::open`].
    pub fn open(path: &Path, role: sqlite::Role) -> Result<Self> {
        sqlite::Engine::open(path, role).map(Self::new)
    }

    /// Reads from the database as it is before it is opened: of an older version too, without a writer or a pool.
    ///
    /// # Errors
    /// As [`sqlite::Engine::look`].
    pub fn look<T>(path: &Path, work: impl FnOnce(&mut dyn Db) -> Result<T>) -> Result<T> {
        sqlite::Engine::look(path, &sqlite::Plan::of(sqlite::Role::Command), work)
    }

    /// What whoever started the program should know about the database's place.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        self.engine.notes()
    }

    /// Whether a server has the database open now; a command takes care not to keep it waiting.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.engine.is_served()
    }

    /// What the writer tells of its work.
    #[must_use]
    pub fn vitals(&self) -> sqlite::Vitals {
        self.engine.vitals()
    }

    /// Reads a few rows by their keys, on the calling thread; they are of one moment.
    ///
    /// # Errors
    /// What the closure says, or `Unavailable` when the database cannot be read now.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        std::future::ready(self.engine.read(&work)).await
    }

    /// Reads what is asked for again and again, with a single statement. An answer given before under this key, a
    /// question and what it is about, is given again while nobody, in whatever process, has changed the database since: the
    /// answer is always that of now.
    ///
    /// # Errors
    /// As [`Store::read`], and when the closure takes a second statement.
    pub async fn recall<T, F>(&self, key: (&'static str, &str), work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        std::future::ready(self.engine.recall(key, &work)).await
    }

    /// Reads lists and scans, on a thread that may wait.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn scan<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || engine.scan(&work))
            .await
            .map_err(|error| Error::internal("a scan was cut off").caused_by(error))?
    }

    /// One atomic change. Returns when it is on disk, or not at all; an engine may run the closure again.
    ///
    /// # Errors
    /// What the closure says (nothing is changed then), or `Unavailable` when the change could not be made durable.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        self.write_patiently(Duration::ZERO, work).await
    }

    /// The same for a change that is in no hurry: it may wait this long for others that share its commit.
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
}
