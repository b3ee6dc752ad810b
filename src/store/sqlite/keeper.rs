//! Holds the place in the log where readers begin, so that they need not ask the system for it one by one.
//!
//! A reader locks its place in the log for as long as it reads: two calls into the system for each closure, unless
//! somebody in this process holds the same place already. The keeper does, and moves on with every commit. It only saves
//! work: without it everything is read as it is. While it holds, the log cannot begin anew, in no process: it has to let go
//! again and again.

use std::path::Path;

use rusqlite::Connection;

use super::connection::{self, run};

/// A connection that stays in a reading transaction.
pub(super) struct Keeper(Connection);

impl Keeper {
    /// The keeper of this file, which holds nothing yet.
    pub(super) fn of(path: &Path) -> rusqlite::Result<Self> {
        connection::reader(path).map(Self)
    }

    /// Holds the place where the log ends now.
    pub(super) fn hold(&self) {
        let held = run(&self.0, "begin").and_then(|()| {
            // A transaction begins with its first read.
            self.0.prepare_cached("select 1 from sqlite_schema limit 1")?.exists([]).map(|_| ())
        });
        if let Err(error) = held {
            tracing::debug!(%error, "no place in the log is held");
        }
    }

    /// Lets go, so that the log can be moved into the file and begin anew.
    pub(super) fn release(&self) {
        if !self.0.is_autocommit()
            && let Err(error) = run(&self.0, "commit")
        {
            tracing::debug!(%error, "a place in the log is still held");
        }
    }
}
