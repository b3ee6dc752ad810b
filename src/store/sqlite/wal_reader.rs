//! Pins the position in the WAL where readers start, so that each read needs fewer system calls.
//!
//! A reader locks its position in the WAL while it reads, which costs two system calls per closure,
//! unless another connection of this process holds the same position. The [`WalReaderPin`] holds it and
//! moves on with every commit. It is only an optimisation: reads are correct without it. While it
//! holds a position, no process can restart the WAL, so it must release the position regularly.

use std::path::Path;

use rusqlite::Connection;

use super::connection::{self, run};

/// A connection that stays in a read transaction.
pub(super) struct WalReaderPin(Connection);

impl WalReaderPin {
    /// Opens a connection to this file that holds nothing yet.
    pub(super) fn of(path: &Path) -> rusqlite::Result<Self> {
        connection::reader(path).map(Self)
    }

    /// Holds the position where the WAL currently ends.
    pub(super) fn hold(&self) {
        let held = run(&self.0, "begin").and_then(|()| {
            // A transaction starts with its first read.
            self.0.prepare_cached("select 1 from sqlite_schema limit 1")?.exists([]).map(|_| ())
        });
        if let Err(error) = held {
            tracing::debug!(%error, "failed to pin the read position in the WAL");
        }
    }

    /// Releases the position, so that the WAL can be checkpointed and restarted.
    pub(super) fn release(&self) {
        if !self.0.is_autocommit()
            && let Err(error) = run(&self.0, "commit")
        {
            tracing::debug!(%error, "failed to release the read position in the WAL");
        }
    }
}
