//! Checks a file before anything writes to it: that it is an authd database, that its header and
//! schema are intact, and that its version is known.
//!
//! The check reads only the header and the schema, so that startup time does not grow with the
//! number of accounts.

use std::os::unix::fs::MetadataExt as _;

use rusqlite::{Connection, ErrorCode};

use super::executor::{Access, Executor};
use super::place::{DatabasePath, cannot, refused};
use super::{connection, create};
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::schema::Plan;

/// The schema version of the file, or why it is refused. Changes nothing in either case.
pub(super) fn version_of(place: &DatabasePath, plan: &Plan) -> Result<i64> {
    let version = known_version(place, plan)?;
    refuse_readable(place)?;
    Ok(version)
}

/// As [`version_of`], for a file that no server uses: a copy may have come over a network, with
/// another mode.
pub(super) fn known_version(place: &DatabasePath, plan: &Plan) -> Result<i64> {
    let path = place.file();
    let about = path.metadata().map_err(|error| cannot("read", path, error))?;
    if !about.is_file() {
        return Err(refused(format!(
            "expected {} to be a database file, but it is something else",
            path.display()
        )));
    }
    if about.len() == 0 {
        return Err(refused(format!(
            "{} is empty: expected a database. Remove it to start over",
            path.display()
        )));
    }
    let (application, version) = read(place).map_err(|error| unreadable(place, error))?;
    if application != i64::from(create::APPLICATION_ID) {
        let expected = create::APPLICATION_ID;
        return Err(refused(format!(
            "{} is a database of another program: expected application id {expected}, found {application}",
            path.display()
        )));
    }
    let known = plan.version();
    if version > known {
        return Err(refused(format!(
            "{} was created by a newer authd: its schema is version {version}, this one supports up to {known}. \
             Use that version again, or put the copy that it made before its upgrade back with `authd rollback`",
            path.display()
        )));
    }
    if version < 1 {
        return Err(refused(format!(
            "{} is damaged: its schema says version {version}",
            path.display()
        )));
    }
    Ok(version)
}

/// Refuses a database that other users may read, like its master key: it holds password hashes. The
/// files that SQLite makes next to it get the mode of the database.
fn refuse_readable(place: &DatabasePath) -> Result<()> {
    let files = [place.file().to_owned(), place.beside("-wal"), place.beside("-shm")];
    for file in files {
        let Ok(facts) = file.metadata() else { continue };
        if facts.mode() & 0o077 != 0 {
            let (shown, mode) = (file.display(), facts.mode() & 0o777);
            return Err(refused(format!(
                "only the owner may read the database, but {shown} has mode {mode:04o}; run: chmod 600 '{shown}'"
            )));
        }
    }
    Ok(())
}

/// Runs a reading closure on the file at its current schema version, which the closure is given.
pub(super) fn look_into<T>(
    place: &DatabasePath,
    plan: &Plan,
    work: impl FnOnce(&mut dyn Db, i64) -> Result<T>,
) -> Result<T> {
    let version = version_of(place, plan)?;
    // A server may start to write at any time, so the file is read without its WAL only if no
    // server has it open.
    let opened = if place.is_served() { connection::reader(place.file()) } else { look(place) };
    let connection = opened.map_err(|error| unreadable(place, error))?;
    let snapshot = connection.unchecked_transaction().map_err(|error| unreadable(place, error))?;
    work(&mut Executor::new(&snapshot, Access::Read), version)
}

pub(super) fn read(place: &DatabasePath) -> rusqlite::Result<(i64, i64)> {
    let connection = look(place)?;
    // SQLite checks the header and the file size when it reads the first page, and every definition
    // when it reads the schema.
    connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    Ok((number(&connection, "application_id")?, number(&connection, "user_version")?))
}

/// If there is a WAL, the file alone may be outdated or in the middle of a change, so both are read
/// together.
fn look(place: &DatabasePath) -> rusqlite::Result<Connection> {
    if place.has_log() {
        connection::reader(place.file())
    } else {
        connection::onlooker(place.file())
    }
}

pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

pub(super) fn unreadable(place: &DatabasePath, error: rusqlite::Error) -> Error {
    let path = place.file().display();
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return refused(format!("{path} is not a SQLite database"));
    }
    refused(match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => format!("{path} is damaged: restore it from a backup"),
        _ => format!("{path} cannot be read"),
    })
    .caused_by(error)
}
