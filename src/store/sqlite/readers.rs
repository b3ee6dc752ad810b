//! The readers: connections that see one snapshot per closure.
//!
//! A closure runs between `begin` and `commit`. From the second statement on this is also faster,
//! because the WAL is locked only once. Only closures that are known to run one statement go
//! without a transaction.
//!
//! Each thread that reads by key has its own reader, so it never waits for another thread and the
//! reader's memory stays on one processor. Lists and scans share a pool.

use std::cell::Cell;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use r2d2::{ManageConnection, Pool};
use rusqlite::Connection;
use thread_local::ThreadLocal;

use super::connection::{self, run};
use super::executor::{Access, Executor};
use super::fault;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::read_cache::{Key, ReadCache};

/// How many scans run at once; others wait.
const SCANS: u32 = 4;

/// How long a scan waits for a reader.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many results a reader caches; about half a megabyte.
const RESULTS: usize = 512;

/// All readers of one file.
pub(super) struct Readers {
    opener: Opener,
    own: ThreadLocal<Cell<Option<Box<SqliteReader>>>>,
    scans: Pool<Opener>,
    _last: Last,
}

/// Dropped after the pool; waits until each connection is closed. The pool may still be opening a
/// connection on its own thread. If that connection closed after the writer's, the WAL would be
/// left behind.
struct Last(Arc<()>);

impl Drop for Last {
    fn drop(&mut self) {
        for _ in 0..500 {
            if Arc::strong_count(&self.0) == 1 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self> {
        let open = Arc::new(());
        let opener = || Opener { path: path.to_owned(), open: Arc::clone(&open) };
        let scans = Pool::builder()
            .max_size(SCANS)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(PATIENCE)
            .build(opener())
            .map_err(unreadable)?;
        let readers = Self { opener: opener(), own: ThreadLocal::new(), scans, _last: Last(open) };
        readers.with_own(|_| Ok(()))?;
        Ok(readers)
    }

    /// Reads a few rows by key.
    pub(super) fn read<T>(&self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        self.with_own(|reader| reader.read(work))
    }

    /// Runs a list or a scan.
    pub(super) fn scan<T>(&self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        let reader = self.scans.get();
        reader
            .map_err(|error| {
                Error::unavailable(format!("no database reader became available: {error}"))
            })?
            .read(work)
    }

    /// Runs a closure of a single statement and caches its result under a key until the database
    /// changes.
    pub(super) fn recall<T: Send + Sync + 'static>(
        &self,
        key: Key<'_>,
        work: &dyn Fn(&mut dyn Db) -> Result<T>,
    ) -> Result<Arc<T>> {
        self.with_own(|reader| reader.recall(key, work))
    }

    /// Uses this thread's reader. A reader that failed or whose closure panicked is not used again.
    fn with_own<T>(&self, work: impl FnOnce(&mut SqliteReader) -> Result<T>) -> Result<T> {
        let place = self.own.get_or_default();
        let mut reader = match place.take() {
            Some(reader) => reader,
            None => Box::new(self.opener.connect().map_err(unreadable)?),
        };
        let result = work(&mut reader);
        if !reader.is_broken {
            place.set(Some(reader));
        }
        result
    }
}

fn unreadable(error: impl Display) -> Error {
    Error::unavailable(format!("the database cannot be read: {error}"))
}

/// A read connection.
struct SqliteReader {
    connection: Connection,
    cache: ReadCache<i64>,
    is_broken: bool,
    _open: Arc<()>,
}

impl SqliteReader {
    fn read<T>(&mut self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        if let Err(error) = run(&self.connection, "begin") {
            self.is_broken = true;
            return Err(fault::translated(error));
        }
        let snapshot = Snapshot { reader: self };
        let mut executor = Executor::new(&snapshot.reader.connection, Access::Read);
        let result = work(&mut executor);
        snapshot.reader.is_broken = executor.in_trouble();
        result
    }

    fn read_once<T>(&mut self, work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        let mut executor = Executor::new(&self.connection, Access::ReadOnce);
        let result = work(&mut executor);
        self.is_broken = executor.in_trouble();
        result
    }

    fn recall<T: Send + Sync + 'static>(
        &mut self,
        key: Key<'_>,
        work: &dyn Fn(&mut dyn Db) -> Result<T>,
    ) -> Result<Arc<T>> {
        // Get the version before the read: a change in between makes the result newer than its
        // version, never older.
        let version = self.version().map_err(|error| {
            self.is_broken = true;
            fault::translated(error)
        })?;
        let known = self.cache.move_to(version).then(|| self.cache.find(key)).flatten();
        if let Some(known) = known.and_then(|known| known.clone().downcast().ok()) {
            return Ok(known);
        }
        let result = Arc::new(self.read_once(work)?);
        self.cache.keep((key.0, key.1.to_owned()), result.clone());
        Ok(result)
    }

    /// A number that changes after each commit of another connection, in this or any other process.
    fn version(&self) -> rusqlite::Result<i64> {
        self.connection.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))
    }
}

/// Ends the read transaction even if the closure panics.
struct Snapshot<'r> {
    reader: &'r mut SqliteReader,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if run(&self.reader.connection, "commit").is_err() {
            self.reader.is_broken = true;
        }
    }
}

/// Opens readers and discards those that failed.
struct Opener {
    path: PathBuf,
    open: Arc<()>,
}

impl ManageConnection for Opener {
    type Connection = SqliteReader;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<SqliteReader> {
        let connection = connection::reader(&self.path)?;
        Ok(SqliteReader {
            connection,
            cache: ReadCache::of(RESULTS),
            is_broken: false,
            _open: Arc::clone(&self.open),
        })
    }

    fn is_valid(&self, _reader: &mut SqliteReader) -> rusqlite::Result<()> {
        Ok(())
    }

    fn has_broken(&self, reader: &mut SqliteReader) -> bool {
        reader.is_broken
    }
}
