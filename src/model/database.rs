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

    /// The name of the database, for the names of its backups: `authd` of `authd.db`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Database::File(path) => {
                path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
        }
    }

    /// The path of a file next to the database, where a copy is before it is encrypted or after it was
    /// decrypted. It is on the same filesystem, and there only for as long as it takes.
    #[must_use]
    pub fn scratch_file(&self) -> PathBuf {
        match self {
            Database::File(path) => {
                let mut name = path.clone().into_os_string();
                name.push(".plain");
                name.into()
            }
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
