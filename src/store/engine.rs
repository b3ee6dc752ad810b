//! The engines that a store can run on. All of [`super::Store`] goes through [`Engine`], so a
//! second engine is a second variant here and a folder beside `sqlite`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::db::Db;
use super::figures::{DatabaseSpace, EngineStats};
use super::schema::Plan;
use super::sqlite::SqliteEngine;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Database, Progress};

/// An open database. Cheap to clone.
#[derive(Clone)]
pub enum Engine {
    Sqlite(SqliteEngine),
}

impl Engine {
    /// Opens a database, and creates or upgrades it as the plan says.
    ///
    /// # Errors
    /// As [`SqliteEngine::open`].
    pub fn open(database: &Database, plan: &Plan, env: &Env) -> Result<Self> {
        match database {
            Database::File(path) => SqliteEngine::open(path, plan, env).map(Self::Sqlite),
        }
    }

    /// Reads from a database without opening it, even if its schema is older. The closure gets the
    /// version of the schema.
    ///
    /// # Errors
    /// As [`SqliteEngine::inspect`].
    pub fn inspect<T>(
        database: &Database,
        plan: &Plan,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T>,
    ) -> Result<Option<T>> {
        match database {
            Database::File(path) => SqliteEngine::inspect(path, plan, work),
        }
    }

    /// Warnings about the database's location, for the person who started the program.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Sqlite(sqlite) => sqlite.notes(),
        }
    }

    /// Whether a server has the database open and must not be kept waiting.
    #[must_use]
    pub fn is_served(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.is_served(),
        }
    }

    /// What the engine has counted so far.
    #[must_use]
    pub fn figures(&self) -> EngineStats {
        match self {
            Self::Sqlite(sqlite) => sqlite.figures(),
        }
    }

    /// The bytes that the database can still grow by; `None` if that is unknown.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.free_space(),
        }
    }

    /// As [`super::Store::fault`].
    ///
    /// # Errors
    /// As [`super::Store::fault`].
    pub async fn fault(&self) -> Result<Option<String>> {
        let engine = self.clone();
        let check = move || match &engine {
            Self::Sqlite(sqlite) => sqlite.fault(),
        };
        tokio::task::spawn_blocking(check).await.map_err(|error| {
            Error::internal("a check of the database panicked or was cancelled").caused_by(error)
        })?
    }

    /// As [`super::Store::space`].
    ///
    /// # Errors
    /// As [`super::Store::space`].
    pub async fn space(&self) -> Result<DatabaseSpace> {
        match self {
            Self::Sqlite(sqlite) => std::future::ready(sqlite.space()).await,
        }
    }

    /// As [`super::Store::give_back`].
    ///
    /// # Errors
    /// As [`super::Store::give_back`].
    pub async fn give_back(&self) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.give_back().await,
        }
    }

    /// As [`super::Store::copy_into`].
    ///
    /// # Errors
    /// As [`super::Store::copy_into`].
    pub fn copy_into(&self, target: &Path, progress: &Progress) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.copy_into(target, progress),
        }
    }

    /// As [`super::Store::copy_size`].
    pub fn copy_size(&self) -> Result<u64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.copy_size(),
        }
    }

    /// As [`super::Store::read`]. SQLite answers from memory in microseconds, so its reads run on
    /// the calling thread. A closure that waits for a network must not run there: such an engine
    /// runs it on a blocking thread.
    ///
    /// # Errors
    /// As [`super::Store::read`].
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => std::future::ready(sqlite.read(&work)).await,
        }
    }

    /// As [`super::Store::recall`], on the same thread as [`Engine::read`].
    ///
    /// # Errors
    /// As [`super::Store::recall`].
    pub async fn recall<T, F>(&self, key: (&'static str, &str), work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => std::future::ready(sqlite.recall(key, &work)).await,
        }
    }

    /// As [`super::Store::scan`].
    ///
    /// # Errors
    /// As [`super::Store::scan`].
    pub async fn scan<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let engine = self.clone();
        let scan = move || match &engine {
            Self::Sqlite(sqlite) => sqlite.scan(&work),
        };
        tokio::task::spawn_blocking(scan).await.map_err(|error| {
            Error::internal("a database scan panicked or was cancelled").caused_by(error)
        })?
    }

    /// As [`super::Store::write_patiently`].
    ///
    /// # Errors
    /// As [`super::Store::write_patiently`].
    pub async fn write<T, F>(&self, patience: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(patience, work).await,
        }
    }
}
