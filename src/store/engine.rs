//! The engines that a store can run on. All of [`super::Store`] goes through [`Engine`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::db::Db;
use super::figures::{DatabaseSpace, EngineStats};
use super::node::{ListedNode, Node};
use super::postgres::PostgresEngine;
use super::schema::Plan;
use super::sqlite::SqliteEngine;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Database, Progress};

/// An open database. Cheap to clone.
#[derive(Clone)]
pub enum Engine {
    Sqlite(SqliteEngine),
    Postgres(PostgresEngine),
}

impl Engine {
    /// Opens a database, and creates or upgrades it as the plan says.
    ///
    /// # Errors
    /// As [`SqliteEngine::open`] or [`PostgresEngine::open`].
    pub fn open(database: &Database, plan: &Plan, env: &Env) -> Result<Self> {
        match database {
            Database::File(path) => SqliteEngine::open(path, plan, env).map(Self::Sqlite),
            Database::Postgres(url) => PostgresEngine::open(url, plan, env).map(Self::Postgres),
        }
    }

    /// Reads from a database without opening it, even if its schema is older. The closure gets the
    /// version of the schema.
    ///
    /// # Errors
    /// As [`SqliteEngine::inspect`] or [`PostgresEngine::inspect`].
    pub fn inspect<T: Send>(
        database: &Database,
        plan: &Plan,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        match database {
            Database::File(path) => SqliteEngine::inspect(path, plan, work),
            Database::Postgres(url) => PostgresEngine::inspect(url, plan, work),
        }
    }

    /// Warnings about the database's location, for the person who started the program.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Sqlite(sqlite) => sqlite.notes(),
            Self::Postgres(postgres) => postgres.notes(),
        }
    }

    /// Whether a server has the database open and must not be kept waiting. That is not known of
    /// PostgreSQL, where others may always write.
    #[must_use]
    pub fn is_served(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.is_served(),
            Self::Postgres(_) => true,
        }
    }

    /// As [`super::Store::node`].
    #[must_use]
    pub fn node(&self) -> Node {
        match self {
            Self::Sqlite(_) => Node::default(),
            Self::Postgres(postgres) => postgres.node().clone(),
        }
    }

    /// As [`super::Store::clock_ahead`].
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(postgres) => postgres.clock_ahead(),
        }
    }

    /// As [`super::Store::nodes`].
    ///
    /// # Errors
    /// As [`super::Store::nodes`].
    pub async fn nodes(&self) -> Result<Vec<ListedNode>> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(postgres) => postgres.nodes().await,
        }
    }

    /// As [`super::Store::count`].
    ///
    /// # Errors
    /// As [`super::Store::count`].
    pub async fn count<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(Duration::ZERO, work).await,
            Self::Postgres(postgres) => postgres.count(work).await,
        }
    }

    /// What the engine has counted so far.
    #[must_use]
    pub fn figures(&self) -> EngineStats {
        match self {
            Self::Sqlite(sqlite) => sqlite.figures(),
            Self::Postgres(postgres) => postgres.figures(),
        }
    }

    /// The bytes that the database can still grow by; `None` if that is unknown.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.free_space(),
            Self::Postgres(_) => None,
        }
    }

    /// As [`super::Store::fault`].
    ///
    /// # Errors
    /// As [`super::Store::fault`].
    pub async fn fault(&self) -> Result<Option<String>> {
        let sqlite = match self {
            Self::Sqlite(sqlite) => sqlite.clone(),
            // PostgreSQL checks what it reads by itself.
            Self::Postgres(_) => return Ok(None),
        };
        tokio::task::spawn_blocking(move || sqlite.fault()).await.map_err(|error| {
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
            Self::Postgres(postgres) => postgres.space().await,
        }
    }

    /// As [`super::Store::give_back`].
    ///
    /// # Errors
    /// As [`super::Store::give_back`].
    pub async fn give_back(&self) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.give_back().await,
            // PostgreSQL gives space back by itself (autovacuum).
            Self::Postgres(_) => Ok(()),
        }
    }

    /// As [`super::Store::copy_into`].
    ///
    /// # Errors
    /// As [`super::Store::copy_into`].
    pub fn copy_into(&self, target: &Path, progress: &Progress) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.copy_into(target, progress),
            Self::Postgres(_) => Err(no_copies()),
        }
    }

    /// As [`super::Store::copy_size`].
    pub fn copy_size(&self) -> Result<u64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.copy_size(),
            Self::Postgres(_) => Err(no_copies()),
        }
    }

    /// As [`super::Store::read`]. SQLite answers from memory in microseconds, so its reads run on
    /// the calling thread. A closure that waits for a network must not run there: PostgreSQL has
    /// threads for them.
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
            Self::Postgres(postgres) => postgres.read(work).await,
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
            Self::Postgres(postgres) => postgres.recall(key, work).await,
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
        let sqlite = match self {
            Self::Sqlite(sqlite) => sqlite.clone(),
            Self::Postgres(postgres) => return postgres.scan(work).await,
        };
        let scan = move || sqlite.scan(&work);
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
            Self::Postgres(postgres) => postgres.write(patience, work).await,
        }
    }
}

fn no_copies() -> Error {
    Error::refused(
        "a PostgreSQL database is not copied into a file: back it up with pg_dump".to_owned(),
    )
}
