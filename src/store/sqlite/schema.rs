//! Creates a new file from `schema.sql`, and upgrades an older one step by step after a backup.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};

use super::inspect::number;
use super::place::{DatabasePath, cannot, refused};
use super::steps::UpgradeStep;
use super::{Plan, connection};
use crate::error::{Error, Result};
use crate::model::Time;

/// The application id in the header of an authd database.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"autd");

/// Creates the file under a temporary name first, so that under its real name it is always
/// complete.
pub(super) fn create(place: &DatabasePath, plan: &Plan) -> Result<()> {
    let path = place.beside(".new");
    for ending in [".new", ".new-journal", ".new-wal", ".new-shm"] {
        remove(&place.beside(ending))?;
    }
    touch(&path)?;
    fill(&path, plan).map_err(|error| {
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
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(&in_own_words(plan.schema))?;
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.pragma_update(None, "user_version", plan.version())?;
    change.commit()?;
    connection.execute_batch("pragma journal_mode = wal")?;
    connection.close().map_err(|(_, error)| error)
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

/// Applies every migration step that the file has not seen yet.
pub(super) fn bring_up(
    place: &DatabasePath,
    connection: &mut Connection,
    plan: &Plan,
    at: Time,
) -> Result<()> {
    let path = place.file().display();
    let failed = |error| refused(format!("cannot upgrade {path}")).caused_by(error);
    let version = number(connection, "user_version").map_err(failed)?;
    let seen = usize::try_from(version - 1).unwrap_or(0);
    let missing = plan.steps.get(seen..).unwrap_or(&[]);
    if missing.is_empty() {
        return Ok(());
    }
    copy(place, connection, version, at)?;
    for (step, version) in missing.iter().zip(version + 1..) {
        tracing::info!(version, step.says, "upgrading the database");
        take(connection, step, version).map_err(|error| {
            refused(format!("cannot upgrade {path} to schema version {version}: {}", step.says))
                .caused_by(error)
        })?;
    }
    Ok(())
}

/// Applies one step and its version in one transaction. Foreign keys are checked at the end, so
/// that a step may rebuild tables.
fn take(connection: &mut Connection, step: &UpgradeStep, version: i64) -> Result<()> {
    let told = |error| Error::internal("a migration statement failed").caused_by(error);
    connection.execute_batch("pragma foreign_keys = off").map_err(told)?;
    let change =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    change.execute_batch(&in_own_words(step.sql)).map_err(told)?;
    let broken = change
        .prepare("pragma foreign_key_check")
        .and_then(|mut check| check.exists([]))
        .map_err(told)?;
    if broken {
        return Err(Error::internal("the migration would leave foreign keys to missing rows"));
    }
    change.pragma_update(None, "user_version", version).map_err(told)?;
    change.commit().map_err(told)?;
    connection.execute_batch("pragma foreign_keys = on").map_err(told)
}

/// Copies the file before the first step. The copy is complete or absent.
fn copy(place: &DatabasePath, source: &Connection, version: i64, at: Time) -> Result<()> {
    let stamp = at.to_seconds_text().replace(['-', ':'], "");
    let target = place.beside(&format!(".v{version}-{stamp}.bak"));
    let part = place.beside(".copying");
    remove(&part)?;
    touch(&part)?;
    copy_pages(source, &part)
        .map_err(|error| refused(format!("cannot copy to {}", part.display())).caused_by(error))?;
    fs::rename(&part, &target).map_err(|error| cannot("create", &target, error))?;
    tracing::info!(copy = %target.display(), "backed up the database before upgrading it");
    place.sync_folder()
}

fn copy_pages(source: &Connection, target: &Path) -> rusqlite::Result<()> {
    let mut target = connection::writer(target)?;
    let copying = Backup::new(source, &mut target)?;
    let result = copying.step(-1)?;
    drop(copying);
    if result != StepResult::Done {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(busy, None));
    }
    target.close().map_err(|(_, error)| error)
}

/// The portable schema in SQLite's dialect: strict tables use integer and blob instead of bigint
/// and bytea.
fn in_own_words(portable: &str) -> String {
    portable
        .replace(" bigint", " integer")
        .replace(" bytea", " blob")
        .replace("\n);", "\n) strict;")
}

/// Creates an empty file that only its owner can open. The file must not exist yet.
fn touch(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| cannot("create", path, error))
}

fn remove(path: &Path) -> Result<()> {
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
    use crate::store::sqlite::ProcessRole;

    #[test]
    fn every_table_of_the_schema_is_strict() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&in_own_words(Plan::of(ProcessRole::Server).schema)).unwrap();
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

    #[test]
    fn nothing_of_a_step_stays_when_rows_would_point_nowhere() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "create table a (id text primary key); create table b (a text references a (id))",
            )
            .unwrap();
        let step = UpgradeStep {
            says: "drop what is needed",
            sql: "insert into b values ('nowhere'); create table c (n bigint);",
        };
        let error = take(&mut connection, &step, 2).unwrap_err();
        assert!(error.chain().contains("missing rows"));
        assert_eq!(number(&connection, "user_version").unwrap(), 0);
        let tables: i64 = connection
            .query_row("select count(*) from sqlite_schema where name = 'c'", [], |r| r.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }
}
