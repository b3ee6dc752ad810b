//! Checks a server and its database before anything uses them, and creates or upgrades the schema.
//!
//! The table `authd_schema` says that a database is ours, which version its schema has, the oldest version
//! whose servers can use it, and which server acts for all; `authd_nodes` has the servers. SQLite keeps
//! these facts in the file's header and beside the file.
//!
//! A table without rows, `authd_writing_N`, is locked by every change. N is the oldest version whose servers
//! can use the database: a step that older servers would not survive renames the table, so that no change
//! of theirs is made afterwards, even if their program is older than the step.

use std::time::Duration;

use super::connection::{PgConnection, PgServer};
use super::executor::{PgAccess, PgExecutor};
use super::fault::{Fault, FaultClass};
use super::retry::Attempts;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::store::schema::{Plan, ProcessRole, Sharing};
use crate::store::steps::{OlderServers, SchemaChange, UpgradeStep};

/// The oldest version of PostgreSQL.
const OLDEST: u32 = 14;

const TABLES: &str = "create table authd_schema (
  one bigint primary key check (one = 1),
  version bigint not null,
  oldest bigint not null,
  server text,
  beat bigint not null
);
create table authd_nodes (
  id text primary key,
  name text not null,
  version text not null,
  alone bigint not null,
  beat bigint not null
);";

/// How long a step waits for a lock each time. Everything that comes after it waits behind it meanwhile.
const STEP_PATIENCE: &str = "set local lock_timeout = '2s';";

/// How long the commands of a step may take: an index of a large table takes minutes.
const STEP_TIME: Duration = Duration::from_hours(1);

/// The table that every change locks.
pub(super) fn writing_table(plan: &Plan) -> String {
    format!("authd_writing_{}", plan.oldest())
}

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

/// What a database says about its schema, which is ours.
struct SchemaFacts {
    version: i64,
    /// The oldest version whose servers can use it.
    oldest: i64,
}

/// What a database contains.
enum Contents {
    Nothing,
    /// Tables of another program.
    Foreign,
    Ours(SchemaFacts),
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
        let found =
            (count("select version from authd_schema")?, count("select oldest from authd_schema")?);
        return match found {
            (Some(version), Some(oldest)) if version >= 1 => {
                Ok(Contents::Ours(SchemaFacts { version, oldest }))
            }
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

/// The version of the schema, or `None` in an empty database. It may be newer than this program, if it has
/// only additions.
///
/// # Errors
/// If it is foreign, or has more than additions to what this program knows. For work on a whole database,
/// any addition is too much.
pub(super) fn version(connection: &PgConnection, plan: &Plan) -> Result<Option<i64>> {
    let (place, known) = (connection.place(), plan.version());
    match contents(connection)? {
        Contents::Nothing => Ok(None),
        Contents::Foreign => Err(Error::refused(format!(
            "{place} has tables of another program: expected an empty database"
        ))),
        Contents::Ours(SchemaFacts { version, oldest }) => {
            let is_usable = oldest <= known && plan.sharing == Sharing::WithOthers;
            if version > known && !is_usable {
                return Err(Error::refused(format!(
                    "{place} was created by a newer authd: its schema is version {version}, this one supports up to {known}"
                )));
            }
            Ok(Some(version))
        }
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
        (Some(version), ProcessRole::Server) if version > known => {
            tracing::warn!(
                version,
                known,
                "the schema is newer than this authd, which can use it: it has only additions"
            );
            Ok(())
        }
        (Some(_), _) => Ok(()),
    }
}

fn create(connection: &mut PgConnection, plan: &Plan) -> Result<()> {
    let schema = in_postgres_dialect(plan.schema);
    let (version, oldest, writing) = (plan.version(), plan.oldest(), writing_table(plan));
    let created = connection.command(&format!(
        "begin; {TABLES} create table {writing} (one bigint primary key); \
         insert into authd_schema (one, version, oldest, beat) values (1, {version}, {oldest}, 0); {schema} commit"
    ));
    match created {
        Ok(()) => Ok(()),
        Err(fault) => {
            connection.command("rollback").map_err(|fault| failed(connection, fault))?;
            // Another server may have created it at the same time.
            match contents(connection)? {
                Contents::Ours(found) if found.version == version => Ok(()),
                _ => Err(Error::refused(format!(
                    "cannot create the schema in {}",
                    connection.place()
                ))
                .caused_by(fault.error)),
            }
        }
    }
}

/// Whether the server has locks of tables. Not every one that speaks PostgreSQL's protocol has.
pub(super) fn has_table_locks(connection: &PgConnection, table: &str) -> bool {
    let locked =
        connection.command(&format!("begin; lock table {table} in row share mode; rollback"));
    if locked.is_err() {
        let _ = connection.command("rollback");
    }
    locked.is_ok()
}

/// Applies every step that the database has not seen. Of several servers that start together, one does.
pub(super) fn upgrade(connection: &mut PgConnection, plan: &Plan, env: &Env) -> Result<()> {
    let Some(version) = version(connection, plan)? else { return Ok(()) };
    let locks = has_table_locks(connection, "authd_schema");
    for (step, version) in plan.steps_after(version).iter().zip(version + 1..) {
        tracing::info!(version, step.says, "upgrading the database");
        let mut attempts = Attempts::start();
        let taken = loop {
            let taken = take_step(connection, step, version, (env, locks));
            if taken.is_err() {
                let _ = connection.command("rollback");
            }
            match taken {
                Err(fault) if fault.class == FaultClass::Conflict && attempts.again(env) => {}
                taken => break taken,
            }
        };
        taken.map_err(|fault| {
            let place = connection.place();
            let in_the_way = match fault.class {
                FaultClass::Conflict => {
                    "; another process, such as pg_dump, holds locks on its tables"
                }
                _ => "",
            };
            Error::refused(format!(
                "cannot upgrade {place} to schema version {version}: {}{in_the_way}",
                step.says
            ))
            .caused_by(fault.error)
        })?;
    }
    Ok(())
}

/// Applies one step and its version in one transaction, unless another server does it meanwhile. No server
/// changes anything between its begin and its end.
fn take_step(
    connection: &mut PgConnection,
    step: &UpgradeStep,
    version: i64,
    (env, locks): (&Env, bool),
) -> Result<(), Fault> {
    connection.command(&format!(
        "begin isolation level read committed; {STEP_PATIENCE} update authd_schema set beat = beat + 1"
    ))?;
    // The row is locked, so no other server is between this look and its own commit.
    let Contents::Ours(found) = contents(connection).map_err(Fault::statement)? else {
        return Err(Fault::statement(Error::internal("the schema is gone")));
    };
    if found.version >= version {
        return connection.command("rollback");
    }
    let writing = format!("authd_writing_{}", found.oldest);
    if locks {
        connection.command(&format!("lock table {writing} in exclusive mode"))?;
    }
    step.changes.iter().try_for_each(|change| apply(connection, change, env))?;
    let closing = match step.older {
        OlderServers::GoOn => String::new(),
        OlderServers::Stop => format!(
            "update authd_schema set oldest = {version}; alter table {writing} rename to authd_writing_{version};"
        ),
    };
    connection.command(&format!("{closing} update authd_schema set version = {version}; commit"))
}

fn apply(connection: &mut PgConnection, change: &SchemaChange, env: &Env) -> Result<(), Fault> {
    match change {
        SchemaChange::Sql(sql) => connection.command_within(&in_postgres_dialect(sql), STEP_TIME),
        SchemaChange::Fill(fill) => {
            fill(&mut PgExecutor::new(connection, PgAccess::Write, &mut String::new()), env)
                .map_err(Fault::statement)
        }
        // SQLite cannot change a column in place; a step from version 2 on says how PostgreSQL does.
        SchemaChange::Rebuild(table) => Err(Fault::statement(Error::internal(format!(
            "the step rebuilds {}, which is for SQLite",
            table.table
        )))),
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

    /// What the documentation promises to servers that go on.
    #[test]
    fn a_step_beside_which_older_servers_go_on_only_adds() {
        let adds = |sql: &str| {
            let sql = sql.trim().to_lowercase();
            let is_column = sql.starts_with("alter table") && sql.contains(" add column ");
            let is_free = !sql.contains("not null") || sql.contains(" default ");
            sql.starts_with("create table")
                || sql.starts_with("create index")
                || is_column && is_free
        };
        for step in STEPS.iter().filter(|step| step.older == OlderServers::GoOn) {
            for change in step.changes {
                let SchemaChange::Sql(sql) = change else { panic!("{}: a fill", step.says) };
                assert!(adds(sql), "{}: {sql}", step.says);
            }
        }
        assert!(
            adds("alter table a add column b bigint") && adds("create table a (b bigint not null)")
        );
        for sql in [
            "alter table a add column b bigint not null",
            "create unique index a on b (c)",
            "drop index a",
        ] {
            assert!(!adds(sql), "{sql}");
        }
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
