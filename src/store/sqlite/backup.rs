//! Copies the database while it is in use, and checks copies.
//!
//! A copy is made by `VACUUM INTO`, from one snapshot and on a connection of its own: it is compact,
//! has nothing in it that was deleted, and delays no writer. Meanwhile the WAL cannot restart.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::connection;
use super::executor::{Access, Executor};
use super::inspect::{known_version, number};
use super::place::{DatabasePath, refused};
use crate::error::{Error, Result};
use crate::model::Progress;
use crate::store::db::Db;
use crate::store::schema::Plan;

/// Steps of SQLite's virtual machine between two looks at the progress.
const STEPS: i32 = 1000;

/// Copies the database into an empty file. Blocks until the copy is complete; does not sync it.
pub(super) fn copy_into(place: &DatabasePath, target: &Path, progress: &Progress) -> Result<()> {
    let from = place.file().display();
    let failed =
        |error| failed(&format!("cannot copy {from} to {}", target.display()), error, progress);
    let name = target
        .to_str()
        .ok_or_else(|| refused(format!("expected a path in UTF-8, got {}", target.display())))?;
    let mut source = connection::copier(place.file()).map_err(failed)?;
    progress.begin("copying", size(&source).map_err(failed)?);
    let (watched, file) = (progress.clone(), target.to_owned());
    let watch = move || {
        watched.reach(fs::metadata(&file).map_or(0, |file| file.len()));
        watched.is_cancelled()
    };
    progress.check()?;
    source.progress_handler(STEPS, Some(watch)).map_err(failed)?;
    source.execute("vacuum into ?1", [name]).map_err(failed)?;
    Ok(())
}

/// How large a copy of the database will be, without its free pages.
pub(super) fn copy_size(place: &DatabasePath) -> Result<u64> {
    connection::copier(place.file()).and_then(|source| size(&source)).map_err(|error| {
        refused(format!("cannot read {}", place.file().display())).caused_by(error)
    })
}

fn size(source: &Connection) -> rusqlite::Result<u64> {
    let pages = number(source, "page_count")? - number(source, "freelist_count")?;
    Ok(pages.unsigned_abs() * number(source, "page_size")?.unsigned_abs())
}

/// Checks every page, index and reference of a file that no process has open, and returns its schema
/// version.
pub(super) fn check(path: &Path, plan: &Plan, progress: &Progress) -> Result<i64> {
    let place = DatabasePath::of(path)?;
    let version = known_version(&place, plan)?;
    let shown = path.display();
    let failed = |error| failed(&format!("cannot check {shown}"), error, progress);
    let mut connection = connection::onlooker(place.file()).map_err(failed)?;
    progress.begin("checking", 0);
    progress.check()?;
    let watched = progress.clone();
    connection.progress_handler(STEPS, Some(move || watched.is_cancelled())).map_err(failed)?;
    if let Some(found) = fault(&connection).map_err(failed)? {
        return Err(refused(format!("{shown} is damaged: {found}")));
    }
    Ok(version)
}

/// The first thing that is wrong in the database, if anything is.
pub(super) fn fault(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let dangling = connection.prepare("pragma foreign_key_check")?.exists([])?;
    Ok(dangling.then(|| "rows refer to missing rows".to_owned()))
}

/// Runs a reading closure on a file that no process has open, which is given its schema version.
pub(super) fn read<T>(
    path: &Path,
    plan: &Plan,
    work: impl FnOnce(&mut dyn Db, i64) -> Result<T>,
) -> Result<T> {
    let place = DatabasePath::of(path)?;
    let version = known_version(&place, plan)?;
    let unreadable = |error| refused(format!("{} cannot be read", path.display())).caused_by(error);
    let connection = connection::onlooker(place.file()).map_err(unreadable)?;
    let snapshot = connection.unchecked_transaction().map_err(unreadable)?;
    work(&mut Executor::new(&snapshot, Access::Read), version)
}

fn failed(doing: &str, error: rusqlite::Error, progress: &Progress) -> Error {
    if let Err(stopped) = progress.check() {
        return stopped;
    }
    refused(match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => format!("{doing}: there is no space left"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("{doing}: the database is damaged")
        }
        _ => doing.to_owned(),
    })
    .caused_by(error)
}
