//! The interface between table files and engines: two methods that take static SQL text and values,
//! and return rows.
//!
//! One SQL text serves every engine: `$1 … $n` appear for the first time in ascending order,
//! columns are text, bigint or bytea, and the caller supplies every time. [`sql!`](crate::sql)
//! checks the numbering at compile time.

use crate::error::{Error, Result};
use crate::model::Time;

/// SQL text whose parameters have been checked; created by [`sql!`](crate::sql).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql(&'static str);

impl Sql {
    /// Only [`sql!`](crate::sql) calls this.
    ///
    /// # Panics
    /// At compile time, if `$n` do not first appear as 1, 2, 3, …
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
                assert!(
                    number >= 1 && number <= highest + 1,
                    "$n must first appear in ascending order"
                );
                if number == highest + 1 {
                    highest = number;
                }
            }
            at += 1;
        }
        Self(text)
    }

    /// The SQL text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.0
    }
}

/// SQL text whose parameter order is checked at compile time.
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

/// A parameter or a column value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
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

/// A result row. Columns are taken in order, once each.
#[derive(Debug)]
pub struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    /// Creates a row; only engines call this.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self { values: values.into_iter() }
    }

    /// Takes the next column. Fails if there is no further column or it has another type: the
    /// statement and its reader disagree.
    pub fn take<T: FromColumn>(&mut self) -> Result<T> {
        let value = self
            .values
            .next()
            .ok_or_else(|| Error::internal("a row has fewer columns than its reader takes"))?;
        T::from_value(value)
    }
}

/// A type that a column can be read as.
pub trait FromColumn: Sized {
    /// Converts a column value. Fails if the value has another type.
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

impl FromColumn for Value {
    fn from_value(value: Value) -> Result<Self> {
        Ok(value)
    }
}

impl FromColumn for i64 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(number) => Ok(number),
            other => Err(wrong("a bigint", &other)),
        }
    }
}

impl FromColumn for Time {
    fn from_value(value: Value) -> Result<Self> {
        i64::from_value(value).map(Time::from_millis)
    }
}

impl FromColumn for String {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(wrong("a text", &other)),
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(wrong("bytes", &other)),
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// What a table file may ask of an engine.
pub trait Db {
    /// Runs a statement and returns all its rows.
    ///
    /// # Errors
    /// The engine's error. Each engine translates its errors in one place (see [`Constraint`]).
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>>;

    /// Runs a statement and returns the number of changed rows.
    ///
    /// # Errors
    /// As [`Db::all`].
    fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64>;

    /// Runs the callback after the commit, and never if the change is rolled back.
    fn after_commit(&mut self, _deed: AfterCommit) {}
}

/// A side effect of a change outside the database. It must be short and must not fail.
pub type AfterCommit = Box<dyn FnOnce() + Send>;

impl dyn Db + '_ {
    /// Returns the first row, if there is one.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub fn first(&mut self, sql: Sql, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.all(sql, values)?.into_iter().next())
    }
}

/// The unique constraint that a write violated. Engines attach it as the source of a
/// `Kind::Internal` error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// `accounts.email_key`
    Email,
    /// `accounts.username_key`
    Username,
    Other,
}

impl Constraint {
    /// The unique constraint behind this error, if there is one.
    #[must_use]
    pub fn of(error: &Error) -> Option<Constraint> {
        std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<Constraint>())
            .copied()
    }
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a unique constraint was violated: {self:?}")
    }
}

impl std::error::Error for Constraint {}
