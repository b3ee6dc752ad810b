//! The embedded engine: one SQLite file, many readers, and one writer that commits in groups.
//!
//! A reading closure sees one snapshot. A writing closure shares its transaction with the other
//! waiting changes, each in a savepoint. [`SqliteEngine::open`] documents which files it opens or
//! refuses.

mod backup;
mod connection;
mod create;
mod executor;
mod fault;
mod inspect;
mod place;
mod readers;
pub mod site;
mod upgrade;
mod wal_reader;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::db::{Db, Sql};
use super::figures::{DatabaseSpace, EngineStats};
use super::queue::WriterHandle;
use super::schema::{Plan, ProcessRole};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::Progress;
use crate::sql;
use place::{DatabasePath, ServerLock, refused};
use readers::Readers;
use wal_reader::WalReaderPin;

/// An open SQLite database. Cheap to clone. Dropping the last clone writes all waiting changes and
/// then closes the file.
#[derive(Clone)]
pub struct SqliteEngine(Arc<Open>);

/// Dropped in this order: the readers close, the writer finishes, and the lock lets the next server
/// start.
struct Open {
    readers: Readers,
    writer: WriterHandle,
    notes: Vec<String>,
    place: DatabasePath,
    _lock: Option<ServerLock>,
}

impl SqliteEngine {
    /// Opens the file. Refuses a file that is missing (for a command), foreign, damaged, from a
    /// newer version, or in use by another server. The error names the path, and the file stays
    /// unchanged.
    pub fn open(path: &Path, plan: &Plan, env: &Env) -> Result<Self> {
        let place = DatabasePath::of(path)?;
        let lock = match plan.role {
            ProcessRole::Server => Some(made_ready(&place, plan)?),
            ProcessRole::Command => {
                found_ready(&place, plan)?;
                None
            }
        };
        let cannot_open = |error: rusqlite::Error| {
            refused(format!("{} cannot be opened", place.file().display())).caused_by(error)
        };
        let mut connection = connection::writer(place.file()).map_err(cannot_open)?;
        if connection.is_readonly(rusqlite::MAIN_DB).map_err(cannot_open)? {
            return Err(refused(format!("{} is read-only", place.file().display())));
        }
        connection.busy_timeout(plan.patience).map_err(cannot_open)?;
        if plan.role == ProcessRole::Command {
            // A command writes either a lot or almost nothing, and SQLite allocates the cache only
            // as it is used.
            connection.execute_batch("pragma cache_size = -65536").map_err(cannot_open)?;
        }
        if plan.role == ProcessRole::Server {
            create::keep_log(&place, &connection)?;
            upgrade::bring_up(&place, &mut connection, plan, env)?;
        }
        connection.busy_timeout(Duration::ZERO).map_err(cannot_open)?;
        let wal_reader = match plan.role {
            ProcessRole::Server => Some(WalReaderPin::of(place.file()).map_err(cannot_open)?),
            ProcessRole::Command => None,
        };
        Ok(Self(Arc::new(Open {
            readers: Readers::start(place.file())?,
            writer: writer::start(&place, connection, wal_reader, plan)?,
            notes: place.warning().into_iter().collect(),
            place,
            _lock: lock,
        })))
    }

    /// Reads from the file at its current schema version, even an older one, and leaves no files
    /// next to it. Returns `None` if there is no file. Refuses a file that is foreign, damaged or
    /// from a newer version.
    pub fn inspect<T>(
        path: &Path,
        plan: &Plan,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T>,
    ) -> Result<Option<T>> {
        if !path.exists() {
            return Ok(None);
        }
        inspect::look_into(&DatabasePath::of(path)?, plan, work).map(Some)
    }

    /// Warnings about the database's location, for the person who started the program.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// Whether a server, in this or another process, has the file open.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.0.place.is_served()
    }

    /// The first thing that is wrong in the database, if anything is. Reads all of it, as it is now:
    /// the file alone is in the middle of a change while a server copies the log into it.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be read.
    pub fn fault(&self) -> Result<Option<String>> {
        let unreadable =
            |error| Error::unavailable("the database cannot be checked").caused_by(error);
        let connection = connection::reader(self.0.place.file()).map_err(unreadable)?;
        let snapshot = connection.unchecked_transaction().map_err(unreadable)?;
        backup::fault(&snapshot).map_err(unreadable)
    }

    /// How large the file is, with what is in the log.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be read.
    pub fn space(&self) -> Result<DatabaseSpace> {
        self.read(&|db| {
            let mut number = |sql: Sql| -> Result<u64> {
                let row = db.first(sql, &[])?;
                let value: i64 = row.map_or(Ok(0), |mut row| row.take())?;
                Ok(value.unsigned_abs())
            };
            let size = number(sql!("pragma page_size"))?;
            let total = number(sql!("pragma page_count"))? * size;
            Ok(DatabaseSpace { total, free: number(sql!("pragma freelist_count"))? * size })
        })
    }

    /// Gives up to 200 free pages back to the filesystem. Does nothing for a file from before version
    /// 2, which keeps its pages.
    ///
    /// # Errors
    /// As [`super::Store::write`].
    pub async fn give_back(&self) -> Result<()> {
        let vacuum =
            |db: &mut dyn Db| db.all(sql!("pragma incremental_vacuum(200)"), &[]).map(drop);
        self.write(Duration::ZERO, vacuum).await
    }

    /// The writer's statistics.
    #[must_use]
    pub fn figures(&self) -> EngineStats {
        self.0.writer.figures()
    }

    /// The bytes that can still be written on the file's filesystem; `None` if the operating system
    /// does not report it.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        self.0.place.free_space()
    }

    /// Copies the database into an empty file, from one snapshot. Blocks, and does not sync the file.
    ///
    /// # Errors
    /// As [`super::Store::copy_into`].
    pub fn copy_into(&self, target: &Path, progress: &Progress) -> Result<()> {
        backup::copy_into(&self.0.place, target, progress)
    }

    /// How large a copy will be, in bytes.
    pub fn copy_size(&self) -> Result<u64> {
        backup::copy_size(&self.0.place)
    }

    /// Checks all of a file that no process has open, and returns its schema version.
    pub fn check(path: &Path, plan: &Plan, progress: &Progress) -> Result<i64> {
        backup::check(path, plan, progress)
    }

    /// The schema version of a file, which may be newer than any that is known.
    pub fn version_of(path: &Path) -> Result<i64> {
        let place = DatabasePath::of(path)?;
        let (_, version) =
            inspect::read(&place).map_err(|error| inspect::unreadable(&place, error))?;
        Ok(version)
    }

    /// Reads from a file that no process has open, in WAL mode or not.
    pub fn read_file<T>(
        path: &Path,
        plan: &Plan,
        work: impl FnOnce(&mut dyn Db, i64) -> Result<T>,
    ) -> Result<T> {
        backup::read(path, plan, work)
    }

    /// Runs a reading closure on this thread's reader.
    ///
    /// # Errors
    /// As [`super::Store::read`].
    pub fn read<T>(&self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        self.0.readers.read(work)
    }

    /// Runs a reading closure of a single statement, unless its result is cached under this key and
    /// nothing has changed since.
    ///
    /// # Errors
    /// As [`super::Store::recall`].
    pub fn recall<T: Send + Sync + 'static>(
        &self,
        key: (&'static str, &str),
        work: &dyn Fn(&mut dyn Db) -> Result<T>,
    ) -> Result<Arc<T>> {
        self.0.readers.recall(key, work)
    }

    /// Runs a slow reading closure without delaying [`SqliteEngine::read`].
    ///
    /// # Errors
    /// As [`super::Store::scan`].
    pub fn scan<T>(&self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        self.0.readers.scan(work)
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

/// Prepares the file for a server: checks it before creating any file next to a foreign one, takes
/// the lock, and creates the database if it is missing.
fn made_ready(place: &DatabasePath, plan: &Plan) -> Result<ServerLock> {
    if place.file().exists() {
        inspect::version_of(place, plan)?;
    }
    let mut lock = ServerLock::take(place)?;
    // Another server may have created or changed the file before this one got the lock.
    if place.file().exists() {
        inspect::version_of(place, plan)?;
    } else {
        place.refuse_leftovers()?;
        create::create(place, plan)?;
    }
    lock.sign()?;
    Ok(lock)
}

/// Prepares the file for a command, which uses an existing database unchanged.
fn found_ready(place: &DatabasePath, plan: &Plan) -> Result<()> {
    let path = place.file().display();
    if !place.file().exists() {
        place.refuse_leftovers()?;
        return Err(refused(format!(
            "there is no database at {path}: name the server's configuration with --config, or its database with \
             --db; `authd serve` creates a new one"
        )));
    }
    let (version, known) = (inspect::version_of(place, plan)?, plan.version());
    if version < known {
        return Err(refused(format!(
            "{path} was created by an older authd: its schema is version {version}, expected {known}. \
             `authd serve` upgrades it"
        )));
    }
    Ok(())
}
