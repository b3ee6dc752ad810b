//! Creates a new file from the schema, under a temporary name until it is complete.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::connection;
use super::place::{DatabasePath, cannot, refused};
use crate::error::Result;
use crate::store::schema::Plan;

/// The application id in the header of an authd database.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"autd");

/// Creates the file under a temporary name first, so that under its real name it is always
/// complete.
pub(super) fn create(place: &DatabasePath, plan: &Plan) -> Result<()> {
    let path = place.beside(".new");
    let draft = [".new", ".new-journal", ".new-wal", ".new-shm"].map(|part| place.beside(part));
    draft.iter().try_for_each(|part| remove(part))?;
    touch(&path)?;
    fill(&path, plan).map_err(|error| {
        // Where there is no space, what was begun takes the rest of it.
        for part in &draft {
            drop(remove(part));
        }
        refused(format!("cannot create {}", place.file().display())).caused_by(error)
    })?;
    File::open(&path)
        .and_then(|file| file.sync_all())
        .map_err(|error| cannot("write", &path, error))?;
    fs::rename(&path, place.file()).map_err(|error| cannot("create", place.file(), error))?;
    place.sync_folder()
}

fn fill(path: &Path, plan: &Plan) -> rusqlite::Result<()> {
    let mut connection = connection::writer(path)?;
    // No durability is needed until the file has its name; it is synced once when it is complete.
    connection.execute_batch("pragma synchronous = off; pragma journal_mode = memory")?;
    // Free pages can go back to the filesystem later. Only an empty file can be made so.
    connection.execute_batch("pragma auto_vacuum = incremental")?;
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(&in_sqlite_dialect(plan.schema))?;
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.pragma_update(None, "user_version", plan.version())?;
    change.commit()?;
    use_log(&connection)?;
    connection.close().map_err(|(_, error)| error)
}

/// Makes the file one that is used with a WAL.
pub(super) fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("pragma journal_mode = wal")
}

/// Makes sure that the database uses a WAL, which the readers and the writer rely on.
pub(super) fn keep_log(place: &DatabasePath, connection: &Connection) -> Result<()> {
    let cannot =
        || refused(format!("{} cannot use a write-ahead log (WAL)", place.file().display()));
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(|error| cannot().caused_by(error))?;
    if mode == "wal" { Ok(()) } else { Err(cannot()) }
}

/// The portable schema in SQLite's dialect: strict tables use integer and blob instead of bigint
/// and bytea.
pub(super) fn in_sqlite_dialect(portable: &str) -> String {
    portable
        .replace(" bigint", " integer")
        .replace(" bytea", " blob")
        .replace("\n);", "\n) strict;")
}

/// Creates an empty file that only its owner can open. The file must not exist yet.
pub(super) fn touch(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| cannot("create", path, error))
}

pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(cannot("remove", path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::ProcessRole;

    #[test]
    fn every_table_of_the_schema_is_strict() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&in_sqlite_dialect(Plan::of(ProcessRole::Server).schema)).unwrap();
        let mut tables = connection
            .prepare("select name, strict from pragma_table_list where schema = 'main'")
            .unwrap();
        let tables: Vec<(String, bool)> = tables
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(tables.len() > 10);
        for (name, is_strict) in tables {
            assert!(is_strict || name.starts_with("sqlite_"), "{name} is not strict");
        }
    }
}
