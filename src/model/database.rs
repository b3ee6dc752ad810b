//! Where an instance keeps its data.

use std::fmt;
use std::path::PathBuf;

/// The location of the database, which also decides the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file.
    File(PathBuf),
}

impl Database {
    /// Whether there is a database at this place.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Database::File(path) => path.exists(),
        }
    }

    /// The default path of the master key: `authd.key` next to `authd.db`.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        match self {
            Database::File(path) => path.with_extension("key"),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::File(path) => path.display().fmt(f),
        }
    }
}
