//! The embedded engine: one SQLite file, many readers, one writer that commits in groups.

use std::path::Path;

use super::db::Db;
use crate::error::{Error, Result};

/// An open SQLite database.
#[derive(Clone)]
pub struct Engine {}

/// Who opens the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one server of this file: creates it when it is not there, brings its schema up to date.
    Server,
    /// A command beside, or without, a server.
    Command,
}

impl Engine {
    /// Opens the file.
    ///
    /// # Errors
    /// When the file is missing (for a command), foreign, damaged, newer than this program, or another server's.
    pub fn open(_path: &Path, _role: Role) -> Result<Self> {
        Err(Error::internal("not built"))
    }

    /// Runs a reading closure on one of the readers.
    ///
    /// # Errors
    /// As [`super::Store::read`].
    pub fn read<T>(&self, _work: &dyn Fn(&mut dyn Db) -> Result<T>) -> Result<T> {
        Err(Error::internal("not built"))
    }

    /// Hands a closure to the writer.
    ///
    /// # Errors
    /// As [`super::Store::write`].
    pub async fn write<T, F>(&self, _work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        Err(Error::internal("not built"))
    }
}
