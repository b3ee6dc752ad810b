//! Holds the place in the log where readers begin, so that they need not ask the system for it one by one.
//!
//! A reader locks its place in the log for as long as it reads: two calls into the system for each closure, unless
//! somebody in this process holds the same place already. The keeper does, and moves on with every commit. It only saves
//! work: without it everything is read as it is.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::connection::{self, run};

/// A connection that stays in a reading transaction.
pub(super) struct Keeper(Mutex<Option<Connection>>);

impl Keeper {
    /// The keeper of this file, which holds nothing yet.
    pub(super) fn of(path: &Path) -> rusqlite::Result<Self> {
        Ok(Self(Mutex::new(Some(connection::reader(path)?))))
    }

    /// Moves to where the log ends now.
    pub(super) fn hold(&self) {
        let guard = self.connection();
        let Some(connection) = &*guard else { return };
        let moved = ended(connection).and_then(|()| run(connection, "begin")).and_then(|()| {
            // A transaction begins with its first read.
            connection.prepare_cached("select 1 from sqlite_schema limit 1")?.exists([]).map(|_| ())
        });
        if let Err(error) = moved {
            tracing::debug!(%error, "no place in the log is held");
        }
    }

    /// Lets go, so that the log can be moved into the file and begin anew.
    pub(super) fn release(&self) {
        if let Some(connection) = &*self.connection() {
            let _ = ended(connection);
        }
    }

    /// Lets go for good.
    pub(super) fn close(&self) {
        *self.connection() = None;
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { run(connection, "commit") }
}
