//! Implements [`Db`] on an SQLite connection. Binds values in order and returns whole rows.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

use super::fault;
use crate::error::{Error, Result};
use crate::store::db::{AfterCommit, Db, Row, Sql, Value};

/// What a closure may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Any number of reading statements in a transaction.
    Read,
    /// A single reading statement. It sees one snapshot without a transaction.
    ReadOnce,
    /// Any statements in a transaction.
    Write,
}

/// A connection inside a transaction, as closures see it.
pub(super) struct Executor<'c> {
    connection: &'c Connection,
    access: Access,
    in_trouble: bool,
    has_read: bool,
    callbacks: Vec<AfterCommit>,
}

impl<'c> Executor<'c> {
    pub(super) fn new(connection: &'c Connection, access: Access) -> Self {
        Self { connection, access, in_trouble: false, has_read: false, callbacks: Vec::new() }
    }

    /// The callbacks to run after the commit.
    pub(super) fn take_callbacks(&mut self) -> Vec<AfterCommit> {
        std::mem::take(&mut self.callbacks)
    }

    /// Whether a machine error or a lock kept a statement from running.
    pub(super) fn in_trouble(&self) -> bool {
        self.in_trouble
    }

    fn statement(&mut self, sql: Sql, values: &[Value]) -> Result<CachedStatement<'c>> {
        if self.access == Access::ReadOnce {
            if std::mem::replace(&mut self.has_read, true) {
                return Err(Error::internal("a single-statement read ran a second statement"));
            }
        } else if self.connection.is_autocommit() {
            // SQLite ends the transaction by itself after some errors. A later statement would
            // commit on its own.
            return Err(Error::unavailable(
                "SQLite has ended the transaction that this statement belongs to",
            ));
        }
        tracing::trace!(sql = sql.text(), "statement");
        let mut statement =
            self.connection.prepare_cached(sql.text()).map_err(|error| self.noted(error))?;
        let expected = statement.parameter_count();
        if expected != values.len() {
            let came = values.len();
            return Err(Error::internal(format!(
                "a statement takes {expected} values but got {came}: {}",
                sql.text()
            )));
        }
        if self.access != Access::Write && !statement.readonly() {
            return Err(Error::internal(format!("a read tried to write: {}", sql.text())));
        }
        for (at, value) in values.iter().enumerate() {
            statement
                .raw_bind_parameter(at + 1, Bound(value))
                .map_err(|error| self.noted(error))?;
        }
        Ok(statement)
    }

    fn noted(&mut self, error: rusqlite::Error) -> Error {
        self.in_trouble |= fault::is_trouble(&error);
        fault::translated(error)
    }
}

impl Db for Executor<'_> {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.statement(sql, values)?;
        let columns = statement.column_count();
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.noted(error))? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(value(row.get_ref(column).map_err(|error| self.noted(error))?)?);
            }
            found.push(Row::new(values));
        }
        Ok(found)
    }

    fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64> {
        let mut statement = self.statement(sql, values)?;
        let changed = statement.raw_execute().map_err(|error| self.noted(error))?;
        Ok(changed as u64)
    }

    fn after_commit(&mut self, callback: AfterCommit) {
        self.callbacks.push(callback);
    }
}

/// A bound value, borrowed so that only SQLite copies it.
struct Bound<'v>(&'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(found: ValueRef<'_>) -> Result<Value> {
    match found {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec())
            .map(Value::Text)
            .map_err(|_| Error::internal("a text column holds bytes that are not UTF-8")),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => {
            Err(Error::internal("expected a column of bigint, text or bytes, found a real number"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::error::Kind;
    use crate::sql;
    use crate::store::db::Constraint;
    use crate::store::schema::{Plan, ProcessRole};
    use crate::store::sqlite::{SqliteEngine, connection};

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("create table t (n integer, b blob, s text unique) strict; begin")
            .unwrap();
        connection
    }

    #[test]
    fn every_value_comes_out_as_it_went_in() {
        let connection = connection();
        let mut executor = Executor::new(&connection, Access::Write);
        let values = [Value::from(i64::MIN), Value::from(vec![0, 255]), Value::from("a\u{0}ä")];
        assert_eq!(executor.run(sql!("insert into t values ($1, $2, $3)"), &values).unwrap(), 1);
        executor
            .run(sql!("insert into t values ($1, $2, $1)"), &[Value::Null, Value::from(vec![])])
            .unwrap();
        let rows = executor.all(sql!("select n, b, s from t order by n nulls last"), &[]).unwrap();
        let mut rows = rows.into_iter();
        let mut row = rows.next().unwrap();
        assert_eq!(row.take::<i64>().unwrap(), i64::MIN);
        assert_eq!(row.take::<Vec<u8>>().unwrap(), [0, 255]);
        assert_eq!(row.take::<String>().unwrap(), "a\u{0}ä");
        let mut row = rows.next().unwrap();
        assert_eq!(row.take::<Option<i64>>().unwrap(), None);
        assert_eq!(row.take::<Vec<u8>>().unwrap(), [0_u8; 0]);
        assert_eq!(row.take::<Option<String>>().unwrap(), None);
    }

    #[test]
    fn a_number_that_is_not_whole_is_a_fault() {
        let connection = connection();
        let error =
            Executor::new(&connection, Access::Read).all(sql!("select 0.5"), &[]).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.chain().contains("real number"));
    }

    #[test]
    fn too_few_values_too_many_and_a_write_among_reads_are_faults() {
        let connection = connection();
        let mut executor = Executor::new(&connection, Access::Read);
        let one = [Value::from(1)];
        for (sql, values) in [
            (sql!("select $1, $2"), &one[..]),
            (sql!("select 1"), &one[..]),
            (sql!("insert into t (n) values ($1)"), &one[..]),
        ] {
            assert_eq!(
                executor.all(sql, values).unwrap_err().kind(),
                Kind::Internal,
                "{}",
                sql.text()
            );
        }
        assert!(!executor.in_trouble());
    }

    #[test]
    fn a_single_read_is_one_statement_that_reads() {
        let connection = connection();
        connection.execute_batch("commit").unwrap();
        let read_once = || Executor::new(&connection, Access::ReadOnce);
        assert!(read_once().run(sql!("insert into t (n) values ($1)"), &[Value::from(1)]).is_err());
        let mut executor = read_once();
        assert!(executor.all(sql!("select n from t"), &[]).unwrap().is_empty());
        assert_eq!(executor.all(sql!("select n from t"), &[]).unwrap_err().kind(), Kind::Internal);
        assert!(connection.is_autocommit());
    }

    #[test]
    fn a_column_takes_nothing_of_another_type() {
        let connection = connection();
        let mut executor = Executor::new(&connection, Access::Write);
        let error =
            executor.run(sql!("insert into t (n) values ($1)"), &[Value::from("ten")]).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(Constraint::of(&error), None);
    }

    #[test]
    fn a_statement_is_prepared_once_however_often_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.db");
        let server =
            SqliteEngine::open(&path, &Plan::of(ProcessRole::Server), &Env::real()).unwrap();
        let connection = connection::reader(&path).unwrap();
        let sql = crate::store::tables::sessions::SNAPSHOT;
        for round in 0..5 {
            connection.execute_batch("begin").unwrap();
            let id = Value::from(format!("session {round}"));
            assert!(Executor::new(&connection, Access::Read).all(sql, &[id]).unwrap().is_empty());
            connection.execute_batch("commit").unwrap();
        }
        let statement = connection.prepare_cached(sql.text()).unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
        drop(server);
    }

    #[test]
    fn nothing_runs_once_the_transaction_is_over() {
        let connection = connection();
        connection.execute_batch("rollback").unwrap();
        let mut executor = Executor::new(&connection, Access::Write);
        let error =
            executor.run(sql!("insert into t (n) values ($1)"), &[Value::from(1)]).unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
    }
}
