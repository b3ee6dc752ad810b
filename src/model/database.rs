//! Where an instance keeps its data.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::model::PostgresUrl;

/// The location of the database, which also decides the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Box<PostgresUrl>),
}

impl Database {
    /// The database at this URL.
    #[must_use]
    pub fn of_server(url: PostgresUrl) -> Self {
        Self::Postgres(Box::new(url))
    }

    /// Whether there is a database at this place. Only its server knows that of a PostgreSQL database,
    /// and nothing that is missing there is made without it.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Database::File(path) => path.exists(),
            Database::Postgres(_) => true,
        }
    }

    /// The name of the database, for the names of its backups: `authd` of `authd.db`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Database::File(path) => {
                path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
            Database::Postgres(url) => url.database.clone(),
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
            Database::Postgres(url) => url.key_file.with_extension("plain"),
        }
    }

    /// The default path of the master key: `authd.key` next to `authd.db`, or in the directory where
    /// the program was started.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        match self {
            Database::File(path) => path.with_extension("key"),
            Database::Postgres(url) => url.key_file.clone(),
        }
    }
}

impl Database {
    /// The file of an SQLite database.
    ///
    /// # Errors
    /// If it is a PostgreSQL database: `what` is done with the tools of PostgreSQL there.
    pub fn file(&self, what: &str) -> Result<&Path> {
        match self {
            Database::File(path) => Ok(path),
            Database::Postgres(_) => Err(Error::refused(format!(
                "{what} is for SQLite files, and {self} is a PostgreSQL database: use pg_dump and pg_restore, or the \
                 backups of that server"
            ))),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::File(path) => path.display().fmt(f),
            Database::Postgres(url) => url.fmt(f),
        }
    }
}
