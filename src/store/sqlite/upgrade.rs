//! Upgrades an older file step by step, after a backup.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};

use super::create::{in_sqlite_dialect, remove, touch};
use super::executor::{Access, Executor};
use super::inspect::number;
use super::place::{DatabasePath, cannot, refused};
use super::{backup, connection};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{Progress, Time};
use crate::store::schema::Plan;
use crate::store::steps::{SchemaChange, TableRebuild, UpgradeStep};

/// Applies every step that the file has not seen yet.
pub(super) fn bring_up(
    place: &DatabasePath,
    connection: &mut Connection,
    plan: &Plan,
    env: &Env,
) -> Result<()> {
    let path = place.file().display();
    let failed = |error| refused(format!("cannot upgrade {path}")).caused_by(error);
    let version = number(connection, "user_version").map_err(failed)?;
    let missing = plan.steps_after(version);
    if missing.is_empty() {
        return Ok(());
    }
    copy(place, connection, plan, version, env.wall())?;
    take_missing(place, connection, plan, version, env)
}

/// Applies every step after this version.
pub(super) fn take_missing(
    place: &DatabasePath,
    connection: &mut Connection,
    plan: &Plan,
    version: i64,
    env: &Env,
) -> Result<()> {
    let (path, missing) = (place.file().display(), plan.steps_after(version));
    for (step, version) in missing.iter().zip(version + 1..) {
        tracing::info!(version, step.says, "upgrading the database");
        let completes = (version == plan.version()).then_some(plan);
        take(connection, step, version, completes, env).map_err(|error| {
            refused(format!("cannot upgrade {path} to schema version {version}: {}", step.says))
                .caused_by(error)
        })?;
    }
    Ok(())
}

/// Applies one step and its version in one transaction, and checks the result before it commits: after
/// the last step, the schema must be that of the plan that it `completes`.
///
/// Tables are rebuilt as SQLite's documentation of `alter table` says: foreign keys are off, because
/// dropping the old table would delete the rows that refer to it, and are checked at the end.
fn take(
    connection: &mut Connection,
    step: &UpgradeStep,
    version: i64,
    completes: Option<&Plan>,
    env: &Env,
) -> Result<()> {
    // The pragma has no effect inside a transaction.
    connection.execute_batch("pragma foreign_keys = off").map_err(failed)?;
    let change =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    for one in step.changes {
        apply(&change, one, env)?;
    }
    let broken = change
        .prepare("pragma foreign_key_check")
        .and_then(|mut check| check.exists([]))
        .map_err(failed)?;
    if broken {
        return Err(Error::internal("the migration would leave foreign keys to missing rows"));
    }
    let found: String =
        change.query_row("pragma quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(Error::internal(format!("the migration would leave a damaged file: {found}")));
    }
    let missing = completes.map_or(Ok(None), |plan| lacks(&change, plan)).map_err(failed)?;
    if let Some(missing) = missing {
        return Err(Error::internal(format!(
            "the migration would leave another schema than a new database has: no {missing}"
        )));
    }
    change.pragma_update(None, "user_version", version).map_err(failed)?;
    change.commit().map_err(failed)?;
    connection.execute_batch("pragma foreign_keys = on").map_err(failed)
}

/// A table with its columns, or an index, of the plan's schema that the database does not have. Other
/// programs may have added tables of their own.
fn lacks(connection: &Connection, plan: &Plan) -> rusqlite::Result<Option<String>> {
    let new = Connection::open_in_memory()?;
    new.execute_batch(&in_sqlite_dialect(plan.schema))?;
    let expected = objects(&new)?;
    let found = objects(connection)?;
    Ok(expected.difference(&found).next().cloned())
}

/// Every index, and every table with its columns, as text.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut listing = connection.prepare(
        "select s.type || ' ' || s.name || ' ' || coalesce(
           (select group_concat(c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk, ', ' order by c.name)
            from pragma_table_info(s.name) c where s.type = 'table'), s.tbl_name)
         from sqlite_schema s where s.name not like 'sqlite_%'",
    )?;
    let found = listing.query_map([], |row| row.get(0))?;
    found.collect()
}

fn failed(error: rusqlite::Error) -> Error {
    Error::internal("a migration statement failed").caused_by(error)
}

fn apply(connection: &Connection, change: &SchemaChange, env: &Env) -> Result<()> {
    match change {
        SchemaChange::Sql(sql) => connection.execute_batch(&in_sqlite_dialect(sql)).map_err(failed),
        SchemaChange::Fill(fill) => fill(&mut Executor::new(connection, Access::Write), env),
        SchemaChange::Rebuild(table) => rebuild(connection, table).map_err(failed),
    }
}

/// Creates the new table beside the old one, fills it, and gives it the old one's name. In this
/// order, references from other tables keep their meaning. Dropping the old table drops its indexes.
fn rebuild(connection: &Connection, new: &TableRebuild) -> rusqlite::Result<()> {
    let TableRebuild { table, definition, columns, values, indexes } = new;
    let definition = in_sqlite_dialect(definition);
    connection.execute_batch(&format!(
        "create table new_{table} ({definition}\n) strict;
         insert into new_{table} ({columns}) select {values} from {table};
         drop table {table};
         alter table new_{table} rename to {table};"
    ))?;
    indexes.iter().try_for_each(|index| connection.execute_batch(index))
}

/// Copies the file before the first step. The copy is complete or absent.
fn copy(
    place: &DatabasePath,
    source: &Connection,
    plan: &Plan,
    version: i64,
    at: Time,
) -> Result<()> {
    let stamp = at.to_seconds_text().replace(['-', ':'], "");
    let target = place.beside(&format!(".v{version}-{stamp}.bak"));
    for ending in [".copying", ".copying-journal", ".copying-wal", ".copying-shm"] {
        remove(&place.beside(ending))?;
    }
    let part = place.beside(".copying");
    touch(&part)?;
    copy_pages(source, &part)
        .map_err(|error| refused(format!("cannot copy to {}", part.display())).caused_by(error))?;
    // A copy that could not be put back is worth nothing.
    backup::check(&part, plan, &Progress::default())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::steps::OlderServers;

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
            older: OlderServers::Stop,
            changes: &[
                SchemaChange::Sql("insert into b values ('nowhere')"),
                SchemaChange::Sql("create table c (n bigint)"),
            ],
        };
        let error = take(&mut connection, &step, 2, None, &Env::real()).unwrap_err();
        assert!(error.chain().contains("missing rows"));
        assert_eq!(number(&connection, "user_version").unwrap(), 0);
        let tables: i64 = connection
            .query_row("select count(*) from sqlite_schema where name = 'c'", [], |r| r.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_rebuilt_table_keeps_its_rows_and_the_rows_that_refer_to_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "create table a (id text primary key, old text) strict;
                 create table b (a text references a (id) on delete cascade) strict;
                 insert into a values ('one', 'kept');
                 insert into b values ('one');",
            )
            .unwrap();
        let step = UpgradeStep {
            says: "rename a column",
            older: OlderServers::Stop,
            changes: &[SchemaChange::Rebuild(TableRebuild {
                table: "a",
                definition: "\n  id text primary key,\n  new text,\n  more bigint",
                columns: "id, new",
                values: "id, old",
                indexes: &["create index a_new on a (new)"],
            })],
        };
        take(&mut connection, &step, 2, None, &Env::real()).unwrap();
        let row: (String, Option<i64>) = connection
            .query_row("select new, more from a join b on b.a = a.id", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, ("kept".to_owned(), None));
        assert_eq!(number(&connection, "foreign_keys").unwrap(), 1);
        connection.execute("delete from a", []).unwrap();
        let left: i64 = connection.query_row("select count(*) from b", [], |r| r.get(0)).unwrap();
        assert_eq!(left, 0, "the reference leads to the new table");
    }
}
