//! Judges a file before anything writes to it: ours, whole at its beginning, and of a version that is known.
//!
//! It reads the header and the schema, not the file: a start must not take longer with more accounts.

use rusqlite::{Connection, ErrorCode};

use super::executor::{Access, Executor};
use super::place::{Place, cannot, refused};
use super::{Plan, connection, schema};
use crate::error::{Error, Result};
use crate::store::db::Db;

/// The schema version of the file, or why it is refused. Nothing is changed either way.
pub(super) fn version_of(place: &Place, plan: &Plan) -> Result<i64> {
    let path = place.file();
    let about = path.metadata().map_err(|error| cannot("read", path, error))?;
    if !about.is_file() {
        return Err(refused(format!("{} should be a database file and is something else", path.display())));
    }
    if about.len() == 0 {
        return Err(refused(format!("{} is empty: expected a database. Remove it to begin anew", path.display())));
    }
    let (application, version) = read(place).map_err(|error| unreadable(place, error))?;
    if application != i64::from(schema::APPLICATION_ID) {
        let expected = schema::APPLICATION_ID;
        return Err(refused(format!(
            "{} is the database of another program: expected application id {expected}, found {application}",
            path.display()
        )));
    }
    let known = plan.version();
    if version > known {
        return Err(refused(format!(
            "{} was made by a newer authd: its schema is version {version}, this one knows versions up to {known}",
            path.display()
        )));
    }
    if version < 1 {
        return Err(refused(format!("{} is damaged: its schema says version {version}", path.display())));
    }
    Ok(version)
}

/// What the closure reads from the file, at the version that it has.
pub(super) fn look_into<T>(place: &Place, plan: &Plan, work: impl FnOnce(&mut dyn Db) -> Result<T>) -> Result<T> {
    version_of(place, plan)?;
    // A server may begin to write at any time: the file alone is looked at only where there is none.
    let opened = if place.is_served() { connection::reader(place.file()) } else { look(place) };
    let connection = opened.map_err(|error| unreadable(place, error))?;
    let snapshot = connection.unchecked_transaction().map_err(|error| unreadable(place, error))?;
    work(&mut Executor::new(&snapshot, Access::Read))
}

fn read(place: &Place) -> rusqlite::Result<(i64, i64)> {
    let connection = look(place)?;
    // SQLite checks the header and the file's length with the first page, and every definition with the schema.
    connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    Ok((number(&connection, "application_id")?, number(&connection, "user_version")?))
}

/// With a log the file alone may be old, or in the middle of a change: then it is read together with its log.
fn look(place: &Place) -> rusqlite::Result<Connection> {
    if place.has_log() { connection::reader(place.file()) } else { connection::onlooker(place.file()) }
}

pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

fn unreadable(place: &Place, error: rusqlite::Error) -> Error {
    let path = place.file().display();
    refused(match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => format!("{path} is not a SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => format!("{path} is damaged: restore it from a backup"),
        _ => format!("{path} cannot be read"),
    })
    .caused_by(error)
}
