//! Tells whether anything was committed since a read, as `pragma data_version` does in SQLite.
//!
//! A snapshot of PostgreSQL lists the transactions that had ended when it was taken. If the snapshot is the
//! same as before on the same connection, no program has ended a transaction in between. (The snapshots of a
//! standby are different, so it has no version here.) The version includes the process ID of the server: behind
//! a pooler that was not noticed, each query may reach another process, and then the version is never the same.
//!
//! A server that only speaks the protocol may take its snapshots differently. So they are relied on only if
//! the server calls itself PostgreSQL and a change of ours shows in them.

use super::connection::PgConnection;
use super::fault::Fault;
use super::lookup::LookupQuery;
use crate::sql;
use crate::store::db::{FromColumn, Row, Value};

/// The state of the database that a read has seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DataVersion(String);

impl DataVersion {
    /// The statement that reads it.
    pub(super) fn query() -> LookupQuery {
        let sql = sql!(
            "select pg_current_snapshot()::text || ' ' || pg_backend_pid() where not pg_is_in_recovery()"
        );
        LookupQuery { sql, values: Vec::new() }
    }

    /// What the statement returned.
    pub(super) fn of(rows: Vec<Row>) -> Option<Self> {
        rows.into_iter().next()?.take().ok().map(Self)
    }
}

/// Whether a change shows in the snapshots of the server. The statement makes one, with this id.
pub(super) fn shows(connection: &mut PgConnection, change: &'static str, id: &str) -> bool {
    if !is_postgresql(&connection.facts.version_text) {
        return false;
    }
    let shows = try_change(connection, change, id);
    if shows.is_err() {
        // Without a transaction, it is only a warning of the server's.
        let _ = connection.command("rollback");
    }
    shows.is_ok_and(|shows| shows == Some(1))
}

fn try_change(
    connection: &mut PgConnection,
    change: &'static str,
    id: &str,
) -> Result<Option<i64>, Fault> {
    let before: Option<String> = first(connection, "select pg_current_snapshot()::text", &[])?;
    connection.query("begin isolation level read committed;", change, &[id.into()])?;
    let assigned = "select coalesce(pg_current_xact_id_if_assigned()::text, '')";
    let transaction: Option<String> = first(connection, assigned, &[])?;
    connection.command("commit")?;
    let shows = "select (pg_visible_in_snapshot($1::text::xid8, pg_current_snapshot()) \
                  and not pg_visible_in_snapshot($1::text::xid8, $2::text::pg_snapshot))::int::bigint";
    first(connection, shows, &[transaction.as_deref().into(), before.as_deref().into()])
}

fn first<T: FromColumn>(
    connection: &mut PgConnection,
    sql: &'static str,
    values: &[Value],
) -> Result<Option<T>, Fault> {
    let (rows, _) = connection.query("", sql, values)?;
    let cell = rows.into_iter().next().map(|mut row| row.take());
    cell.transpose().map_err(Fault::statement)
}

/// Whether a server calls itself PostgreSQL: those made from it add a name to the version, such as
/// `15.2-YB-2.25.0.0-b0`.
fn is_postgresql(version: &str) -> bool {
    version.split(' ').next().is_some_and(|number| !number.is_empty() && !number.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_with_another_name_is_not_that_of_postgresql() {
        for version in ["14.0", "15.18 (Debian 15.18-0+deb12u1)", "18.6", "19devel"] {
            assert!(is_postgresql(version), "{version}");
        }
        for version in ["15.2-YB-2.25.0.0-b0", "11.2-YB-2.1 (x)", "", " "] {
            assert!(!is_postgresql(version), "{version}");
        }
    }
}
