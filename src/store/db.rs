//! The executor seam: what a table file may ask of an engine. Two methods, static SQL text, values in, rows out.
//!
//! The SQL is one text for every engine: `$1 … $n` first appearing in ascending order, columns of text, bigint and
//! bytea, every time given by the caller. [`sql!`](crate::sql) checks the numbering when it is compiled.

use crate::error::{Error, Result};
use crate::model::Time;

/// SQL text whose parameters have been checked; made by [`sql!`](crate::sql).
#[derive(Debug, Clone, Copy)]
pub struct Sql(&'static str);

impl Sql {
    /// Only [`sql!`](crate::sql) calls this.
    ///
    /// # Panics
    /// While compiling, when `$n` do not first appear as 1, 2, 3, …
    #[must_use]
    #[allow(clippy::panic, reason = "it runs while compiling, through sql!")]
    pub const fn checked(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut highest = 0;
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'$' {
                let mut number = 0;
                let mut digit = at + 1;
                while digit < bytes.len() && bytes[digit].is_ascii_digit() {
                    number = number * 10 + (bytes[digit] - b'0') as usize;
                    digit += 1;
                }
                assert!(number >= 1 && number <= highest + 1, "$n must first appear in ascending order");
                if number == highest + 1 {
                    highest = number;
                }
            }
            at += 1;
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.0
    }
}

/// SQL text, its parameters' order checked at compile time.
///
/// ```
/// authd::sql!("update t set a = $1 where b = $2 and a < $1");
/// ```
///
/// SQLite numbers `$n` by first appearance, so another order does not compile:
///
/// ```compile_fail
/// authd::sql!("update t set a = $2 where b = $1");
/// ```
#[macro_export]
macro_rules! sql {
    ($text:expr) => {{
        const SQL: $crate::store::db::Sql = $crate::store::db::Sql::checked($text);
        SQL
    }};
}

/// A value that goes in or comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A bigint.
    Int(i64),
    /// A text.
    Text(String),
    /// A bytea.
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Int(value.millis())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row that came out; columns are taken in order, once each.
#[derive(Debug)]
pub struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    /// Only engines call this.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self { values: values.into_iter() }
    }

    /// The next column.
    ///
    /// # Errors
    /// When the row has no further column, or it is of another type: the statement and its reader disagree.
    pub fn take<T: Column>(&mut self) -> Result<T> {
        let value = self.values.next().ok_or_else(|| Error::internal("a row has fewer columns than are read"))?;
        T::from_value(value)
    }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// When the stored value is of another type.
    fn from_value(value: Value) -> Result<Self>;
}

fn wrong(expected: &str, value: &Value) -> Error {
    let found = match value {
        Value::Null => "null",
        Value::Int(_) => "a bigint",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
    };
    Error::internal(format!("a column should be {expected} and is {found}"))
}

impl Column for i64 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(number) => Ok(number),
            other => Err(wrong("a bigint", &other)),
        }
    }
}

impl Column for Time {
    fn from_value(value: Value) -> Result<Self> {
        i64::from_value(value).map(Time::from_millis)
    }
}

impl Column for String {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(wrong("a text", &other)),
        }
    }
}

impl Column for Vec<u8> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(wrong("bytes", &other)),
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// What a table file may ask of an engine.
pub trait Db {
    /// Runs a statement and gives back all its rows.
    ///
    /// # Errors
    /// Whatever the engine says, typed in one place per engine (see [`Constraint`]).
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>>;

    /// Runs a statement and gives back how many rows it changed.
    ///
    /// # Errors
    /// As [`Db::all`].
    fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64>;

    /// Does this once what was written is on disk, and not at all when it is undone.
    fn after_commit(&mut self, _deed: Deed) {}
}

/// What follows from a change, outside the database; it must be short and cannot fail.
pub type Deed = Box<dyn FnOnce() + Send>;

impl dyn Db + '_ {
    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub fn first(&mut self, sql: Sql, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.all(sql, values)?.into_iter().next())
    }
}

/// A unique rule of the schema that a write ran into; engines put it behind a `Kind::Internal` error as its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// `accounts.email_key`
    Email,
    /// `accounts.username_key`
    Username,
    /// Any other.
    Other,
}

impl Constraint {
    /// The rule that this error is about, if it is about one.
    #[must_use]
    pub fn of(error: &Error) -> Option<Constraint> {
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<Constraint>()).copied()
    }
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a unique rule of the schema was met: {self:?}")
    }
}

impl std::error::Error for Constraint {}
