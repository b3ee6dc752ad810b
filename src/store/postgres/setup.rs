//! Checks a server and its database before anything uses them, and creates or upgrades the schema.
//!
//! The table `authd_schema` says that a database is ours, which version its schema has, and which
//! server uses it. SQLite keeps these facts in the file's header and beside the file.

use super::connection::{PgConnection, PgServer};
use super::executor::{PgAccess, PgExecutor};
use super::fault::Fault;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::store::schema::{Plan, ProcessRole};
use crate::store::steps::{SchemaChange, UpgradeStep};

/// The oldest version of PostgreSQL.
const OLDEST: u32 = 14;

const TABLE: &str = "create table authd_schema (
  one bigint primary key check (one = 1),
  version bigint not null,
  server text,
  beat bigint not null
);";

/// Connects, and refuses a server on which acknowledged changes could be lost.
pub(super) fn connect(server: &PgServer) -> Result<PgConnection> {
    let connection = PgConnection::open(server)?;
    let (facts, place) = (&connection.facts, &server.url);
    if facts.version < OLDEST * 10_000 {
        return Err(Error::refused(format!(
            "{place} is PostgreSQL {}: expected {OLDEST} or newer",
            facts.version_text
        )));
    }
    if !facts.fsync {
        return Err(Error::refused(format!(
            "{place} runs with fsync = off, which loses data when it crashes: set it to on"
        )));
    }
    if facts.encoding != "UTF8" {
        return Err(Error::refused(format!(
            "{place} has the encoding {}: expected UTF8",
            facts.encoding
        )));
    }
    Ok(connection)
}

/// What a database contains.
enum Contents {
    Nothing,
    /// Tables of another program.
    Foreign,
    /// Our schema, of this version.
    Ours(i64),
}

fn contents(connection: &PgConnection) -> Result<Contents> {
    let count = |sql: &str| -> Result<Option<i64>> {
        let rows = connection.texts(sql).map_err(|fault| failed(connection, fault))?;
        Ok(rows.into_iter().flatten().flatten().next().and_then(|text| text.parse().ok()))
    };
    let schema =
        connection.texts("select current_schema()").map_err(|fault| failed(connection, fault))?;
    if schema.into_iter().flatten().flatten().next().is_none() {
        return Err(Error::refused(format!(
            "{} has no schema that this user may use: create one, or grant usage and create on schema public",
            connection.place()
        )));
    }
    let is_ours = count(
        "select count(*) from pg_catalog.pg_class where relname = 'authd_schema' and relkind = 'r' \
         and relnamespace = current_schema()::regnamespace",
    )?;
    if is_ours == Some(1) {
        return match count("select version from authd_schema")? {
            Some(version) if version >= 1 => Ok(Contents::Ours(version)),
            _ => Err(Error::refused(format!(
                "{} is damaged: its schema has no version",
                connection.place()
            ))),
        };
    }
    let tables = count(
        "select count(*) from pg_catalog.pg_class where relkind in ('r', 'p') \
         and relnamespace = current_schema()::regnamespace",
    )?;
    Ok(if tables == Some(0) { Contents::Nothing } else { Contents::Foreign })
}

/// The version of the schema, or `None` in an empty database.
///
/// # Errors
/// If it is foreign, or newer than this program.
pub(super) fn version(connection: &PgConnection, plan: &Plan) -> Result<Option<i64>> {
    let (place, known) = (connection.place(), plan.version());
    match contents(connection)? {
        Contents::Nothing => Ok(None),
        Contents::Foreign => Err(Error::refused(format!(
            "{place} has tables of another program: expected an empty database"
        ))),
        Contents::Ours(version) if version > known => Err(Error::refused(format!(
            "{place} was created by a newer authd: its schema is version {version}, this one supports up to {known}"
        ))),
        Contents::Ours(version) => Ok(Some(version)),
    }
}

/// Creates a missing schema. A command uses an existing database unchanged.
pub(super) fn prepare(connection: &mut PgConnection, plan: &Plan) -> Result<()> {
    let found = version(connection, plan)?;
    let (place, known) = (connection.place().to_string(), plan.version());
    match (found, plan.role) {
        (None, ProcessRole::Command) => Err(Error::refused(format!(
            "there is no authd database in {place}: `authd serve` creates one"
        ))),
        (None, ProcessRole::Server) => create(connection, plan),
        (Some(version), ProcessRole::Command) if version < known => Err(Error::refused(format!(
            "{place} was created by an older authd: its schema is version {version}, expected {known}. \
             `authd serve` upgrades it"
        ))),
        (Some(_), _) => Ok(()),
    }
}

fn create(connection: &mut PgConnection, plan: &Plan) -> Result<()> {
    let schema = in_postgres_dialect(plan.schema);
    let version = plan.version();
    let created = connection.command(&format!(
        "begin; {TABLE} insert into authd_schema (one, version, beat) values (1, {version}, 0); {schema} commit"
    ));
    match created {
        Ok(()) => Ok(()),
        Err(fault) => {
            connection.command("rollback").map_err(|fault| failed(connection, fault))?;
            // Another server may have created it at the same time.
            match contents(connection)? {
                Contents::Ours(found) if found == version => Ok(()),
                _ => Err(Error::refused(format!(
                    "cannot create the schema in {}",
                    connection.place()
                ))
                .caused_by(fault.error)),
            }
        }
    }
}

/// Applies every step that the database has not seen. The caller holds the lease.
pub(super) fn upgrade(connection: &mut PgConnection, plan: &Plan, env: &Env) -> Result<()> {
    let Some(version) = version(connection, plan)? else { return Ok(()) };
    for (step, version) in plan.steps_after(version).iter().zip(version + 1..) {
        tracing::info!(version, step.says, "upgrading the database");
        take(connection, step, version, env).map_err(|error| {
            let place = connection.place();
            Error::refused(format!(
                "cannot upgrade {place} to schema version {version}: {}",
                step.says
            ))
            .caused_by(error)
        })?;
    }
    Ok(())
}

/// Applies one step and its version in one transaction.
fn take(connection: &mut PgConnection, step: &UpgradeStep, version: i64, env: &Env) -> Result<()> {
    connection.command("begin").map_err(|fault| fault.error)?;
    let mut taken = step.changes.iter().try_for_each(|change| apply(connection, change, env));
    if taken.is_ok() {
        let commit = format!("update authd_schema set version = {version}; commit");
        taken = connection.command(&commit).map_err(|fault| fault.error);
    }
    taken.inspect_err(|_| {
        let _ = connection.command("rollback");
    })
}

fn apply(connection: &mut PgConnection, change: &SchemaChange, env: &Env) -> Result<()> {
    match change {
        SchemaChange::Sql(sql) => {
            connection.command(&in_postgres_dialect(sql)).map_err(|fault| fault.error)
        }
        SchemaChange::Fill(fill) => {
            fill(&mut PgExecutor::new(connection, PgAccess::Write, &mut String::new()), env)
        }
        // SQLite cannot change a column in place; a step from version 2 on says how PostgreSQL does.
        SchemaChange::Rebuild(table) => {
            Err(Error::internal(format!("the step rebuilds {}, which is for SQLite", table.table)))
        }
    }
}

/// The portable schema in PostgreSQL's dialect. Texts sort by their bytes, as in SQLite and
/// independently of the database's locale: ids and pages rest on that.
pub(super) fn in_postgres_dialect(portable: &str) -> String {
    let mut dialect = String::with_capacity(portable.len() * 5 / 4);
    let mut rest = portable;
    while let Some(at) = rest.find(" text") {
        let (before, after) = rest.split_at(at + " text".len());
        dialect.push_str(before);
        if after.starts_with([' ', ',', '\n', ')']) || after.is_empty() {
            dialect.push_str(" collate \"C\"");
        }
        rest = after;
    }
    dialect.push_str(rest);
    dialect
}

fn failed(connection: &PgConnection, fault: Fault) -> Error {
    Error::refused(format!("{} cannot be read", connection.place())).caused_by(fault.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::steps::STEPS;

    #[test]
    fn every_text_sorts_by_its_bytes() {
        let changed =
            in_postgres_dialect("a text,\n  text_value text not null,\n b bigint, c text)");
        assert_eq!(
            changed,
            "a text collate \"C\",\n  text_value text collate \"C\" not null,\n b bigint, c text collate \"C\")"
        );
    }

    /// The first version with PostgreSQL is 2: a database of version 1 is a SQLite file.
    #[test]
    fn every_step_of_a_postgresql_database_can_be_taken() {
        for step in &STEPS[1..] {
            for change in step.changes {
                assert!(!matches!(change, SchemaChange::Rebuild(_)), "{}", step.says);
            }
        }
    }
}
