//! Converts values to and from PostgreSQL's types.
//!
//! The server infers the type of a parameter from its place, so a number can be an int4 and a text a
//! name; the values follow.

use std::error::Error as StdError;
use std::fmt;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::store::db::Value;

/// Stands for a NUL: a code point that is no character.
const NO_NUL: &str = "\u{ffff}";

/// A value that does not fit the type at its place.
#[derive(Debug)]
pub(super) struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Mismatch {}

type Converted<T> = Result<T, Box<dyn StdError + Sync + Send>>;

/// A parameter.
#[derive(Debug)]
pub(super) struct Parameter<'v>(pub &'v Value);

impl Parameter<'_> {
    /// The type of the value, for a statement that is not prepared.
    pub(super) fn natural_type(&self) -> Type {
        match self.0 {
            Value::Null => Type::UNKNOWN,
            Value::Int(_) => Type::INT8,
            Value::Text(_) => Type::TEXT,
            Value::Bytes(_) => Type::BYTEA,
        }
    }

    fn mismatch<T>(&self, expected: &Type) -> Converted<T> {
        let came = match self.0 {
            Value::Null => "null",
            Value::Int(_) => "a bigint",
            Value::Text(_) => "a text",
            Value::Bytes(_) => "bytes",
        };
        Err(Mismatch(format!("a parameter should be {expected} and is {came}")).into())
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, place: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) if *place == Type::INT8 => number.to_sql(place, out),
            Value::Int(number) if *place == Type::INT4 => match i32::try_from(*number) {
                Ok(number) => number.to_sql(place, out),
                Err(_) => self.mismatch(place),
            },
            // No text in PostgreSQL has a NUL. A name with one, which is looked up like any other,
            // becomes a name that no account has.
            Value::Text(text) if text.contains('\0') => {
                text.replace('\0', NO_NUL).as_str().to_sql(place, out)
            }
            Value::Text(text) if <&str as ToSql>::accepts(place) => {
                text.as_str().to_sql(place, out)
            }
            Value::Bytes(bytes) if *place == Type::BYTEA => bytes.as_slice().to_sql(place, out),
            _ => self.mismatch(place),
        }
    }

    fn accepts(_place: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A column.
pub(super) struct Cell(pub Value);

impl<'r> FromSql<'r> for Cell {
    fn from_sql(column: &Type, raw: &'r [u8]) -> Converted<Self> {
        let value = match *column {
            Type::INT8 => Value::Int(i64::from_sql(column, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(column, raw)?.into()),
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            _ if <&str as FromSql>::accepts(column) => Value::Text(String::from_sql(column, raw)?),
            _ => {
                let why = format!("expected a column of bigint, text or bytes, found {column}");
                return Err(Mismatch(why).into());
            }
        };
        Ok(Self(value))
    }

    fn from_sql_null(_column: &Type) -> Converted<Self> {
        Ok(Self(Value::Null))
    }

    fn accepts(_column: &Type) -> bool {
        true
    }
}
