//! The database behind the program: what tests read from it, and what they change in it, without
//! going through the store. Only this file knows how the data is reached.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authd::store::Value;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::cluster::TestDatabase;

/// A database, reached without the store.
pub struct RawDatabase(Reached);

enum Reached {
    File(PathBuf),
    Server(Arc<TestDatabase>),
}

/// What a query found.
pub struct Found {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

impl RawDatabase {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(Reached::File(path.into()))
    }

    /// A database of a PostgreSQL server.
    pub fn of_server(database: Arc<TestDatabase>) -> Self {
        Self(Reached::Server(database))
    }

    fn path(&self) -> &Path {
        match &self.0 {
            Reached::File(path) => path,
            Reached::Server(database) => panic!("{} is no file", database.name),
        }
    }

    fn open(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Changes rows as no operation would; returns how many.
    pub fn tamper(&self, sql: &str) -> usize {
        match &self.0 {
            Reached::File(_) => self.open().execute(sql, []).unwrap(),
            Reached::Server(database) => usize::try_from(database.execute(sql)).unwrap(),
        }
    }

    /// Changes a row in the log alone, and makes the page in the file that the log replaces one that is
    /// half written, as a checkpoint under way does. The log is not copied while the result lives.
    pub fn begin_checkpoint(&self) -> Connection {
        const PAGE: usize = 4096;
        let connection = self.open();
        connection
            .execute_batch(
                "pragma wal_autocheckpoint = 0;
                 insert into instance (name, text_value) values ('x', 'x')",
            )
            .unwrap();
        let log = std::fs::read(self.path().with_extension("db-wal")).unwrap();
        let frames = log[32..].chunks_exact(24 + PAGE);
        let mut pages = frames.map(|frame| u32::from_be_bytes(frame[..4].try_into().unwrap()));
        let page = pages.rfind(|page| *page > 1).unwrap();
        let file = std::fs::File::options().write(true).open(self.path()).unwrap();
        let at = u64::from(page - 1) * PAGE as u64;
        std::os::unix::fs::FileExt::write_all_at(&file, &[0x5a; PAGE / 2], at).unwrap();
        connection
    }

    /// Runs statements that fill it, with the indexes of its tables made again at the end.
    pub fn fill(&self, statements: &[String]) {
        let connection = self.open();
        connection.execute_batch("pragma journal_mode = wal; pragma synchronous = off").unwrap();
        let of_indexes =
            "from sqlite_schema where type = 'index' and sql is not null order by name";
        let indexes = self.texts(&format!("select sql {of_indexes}"));
        for name in self.texts(&format!("select name {of_indexes}")) {
            connection.execute_batch(&format!("drop index {name}")).unwrap();
        }
        connection.execute_batch("begin").unwrap();
        for sql in statements {
            connection.execute_batch(sql).unwrap();
        }
        connection.execute_batch("commit").unwrap();
        for sql in &indexes {
            connection.execute_batch(sql).unwrap();
        }
        connection.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    }

    /// How SQLite would run a statement.
    pub fn plan(&self, sql: &str) -> Vec<String> {
        let connection = self.open();
        let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let (mut rows, mut steps) = (statement.raw_query(), Vec::new());
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps
    }

    /// Fills a new database from a dump, and closes it.
    pub fn load(&self, dump: &str) {
        let connection = self.open();
        connection.execute_batch("pragma journal_mode = wal; pragma foreign_keys = off").unwrap();
        connection.execute_batch(&format!("begin; {dump}; commit")).unwrap();
        connection.close().unwrap();
        self.protect();
    }

    /// Takes the database from other users, as the server requires.
    pub fn protect(&self) {
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// All rows of a query.
    pub fn query(&self, sql: &str) -> Found {
        if let Reached::Server(database) = &self.0 {
            return database.query(sql);
        }
        let connection = self.open();
        let mut statement = connection.prepare(sql).unwrap();
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement
            .query_map([], |row| (0..columns.len()).map(|at| Ok(value(row.get_ref(at)?))).collect())
            .unwrap();
        let rows = rows.map(Result::unwrap).collect();
        Found { columns, rows }
    }

    /// The texts of a query with one column.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let text = |value| match value {
            Value::Text(text) => text,
            other => panic!("expected a text, found {other:?}"),
        };
        self.column(sql).map(text).collect()
    }

    /// The numbers of a query with one column.
    pub fn numbers(&self, sql: &str) -> Vec<i64> {
        let number = |value| match value {
            Value::Int(number) => number,
            other => panic!("expected a number, found {other:?}"),
        };
        self.column(sql).map(number).collect()
    }

    /// The only number that a query finds.
    pub fn number(&self, sql: &str) -> i64 {
        match self.numbers(sql).as_slice() {
            [number] => *number,
            other => panic!("expected one number, found {other:?}"),
        }
    }

    /// The names of all tables, sorted.
    pub fn tables(&self) -> Vec<String> {
        self.texts(match &self.0 {
            Reached::File(_) => "select name from sqlite_schema where type = 'table' order by name",
            Reached::Server(_) => {
                // What the servers know of each other changes by itself.
                "select relname::text from pg_class where relkind = 'r' and relname not like 'authd\\_%' \
                 and relnamespace = current_schema()::regnamespace order by relname::text collate \"C\""
            }
        })
    }

    fn column(&self, sql: &str) -> impl Iterator<Item = Value> + use<> {
        self.query(sql).rows.into_iter().map(|mut row| row.pop().expect("a column"))
    }
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8(bytes.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(number) => panic!("found {number}, but no column is a real number"),
    }
}
