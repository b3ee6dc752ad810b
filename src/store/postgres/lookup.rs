//! A lookup: a read of a single statement, whose caller waits for its result.
//!
//! Its closure runs once to learn its statement, and once with the rows; not at all if the result is cached.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::executor::{is_reading, tried_to_write};
use super::read_threads::ReadCaller;
use crate::error::{Error, Result};
use crate::store::db::{Db, Row, Sql, Value};
use crate::store::read_cache::{CachedResult, Key, OwnedKey};

/// A statement and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LookupQuery {
    pub sql: Sql,
    pub values: Vec<Value>,
}

/// A result to cache, under the key of its lookup.
pub(super) type KeptResult = (OwnedKey, CachedResult);

/// A read of a single statement, independent of its closure's return type.
pub(super) trait Lookup: Send {
    /// The key under which its result is cached.
    fn key(&self) -> Key<'_>;

    /// The statement of the closure. `None` if nobody waits for the answer any more, or if the closure
    /// has ended without a statement: its caller has the answer then.
    fn query(&mut self) -> Option<LookupQuery>;

    /// Runs the closure with what its statement returned, and answers its caller. Returns the result, unless
    /// it is an error.
    fn answer(self: Box<Self>, query: &LookupQuery, rows: Vec<Row>) -> Option<KeptResult>;

    /// Answers its caller with the result of an earlier lookup with the same key.
    fn answer_with(self: Box<Self>, result: &CachedResult);

    /// Answers its caller with an error.
    fn refuse(self: Box<Self>, error: Error);
}

/// A lookup whose caller is not answered yet.
pub(super) struct PendingLookup<T, F> {
    pub key: OwnedKey,
    pub work: F,
    /// `None` once it is answered.
    pub caller: Option<ReadCaller<Arc<T>>>,
}

impl<T, F> PendingLookup<T, F>
where
    F: Fn(&mut dyn Db) -> Result<T>,
{
    fn run(&self, db: &mut dyn Db) -> std::thread::Result<Result<Arc<T>>> {
        catch_unwind(AssertUnwindSafe(|| (self.work)(db).map(Arc::new)))
    }

    fn tell(&mut self, answer: std::thread::Result<Result<Arc<T>>>) {
        if let Some(caller) = self.caller.take() {
            let _ = caller.send(answer);
        }
    }
}

impl<T, F> Lookup for PendingLookup<T, F>
where
    T: Send + Sync + 'static,
    F: Fn(&mut dyn Db) -> Result<T> + Send,
{
    fn key(&self) -> Key<'_> {
        (self.key.0, &self.key.1)
    }

    fn query(&mut self) -> Option<LookupQuery> {
        if self.caller.as_ref().is_none_or(oneshot::Sender::is_closed) {
            return None;
        }
        let mut recorded = RecordQuery::default();
        let ended = self.run(&mut recorded);
        if recorded.query.is_none() || ended.is_err() {
            self.tell(ended);
            return None;
        }
        recorded.query
    }

    fn answer(mut self: Box<Self>, query: &LookupQuery, rows: Vec<Row>) -> Option<KeptResult> {
        let ended = self.run(&mut ReplayRows { query, rows: Some(rows) });
        let result = ended.as_ref().ok().and_then(|read| read.as_ref().ok()).cloned();
        self.tell(ended);
        Some((self.key, result?))
    }

    fn answer_with(mut self: Box<Self>, result: &CachedResult) {
        let result = result.clone().downcast();
        self.tell(Ok(
            result.map_err(|_| Error::internal("two lookups of different types have one key"))
        ));
    }

    fn refuse(mut self: Box<Self>, error: Error) {
        self.tell(Ok(Err(error)));
    }
}

/// Records which statement a closure runs.
#[derive(Default)]
struct RecordQuery {
    query: Option<LookupQuery>,
}

impl Db for RecordQuery {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        if !is_reading(sql.text()) {
            return Err(tried_to_write(sql));
        }
        self.query.get_or_insert_with(|| LookupQuery { sql, values: values.to_vec() });
        Err(Error::unavailable("the rows of this statement are still to be read"))
    }

    fn run(&mut self, sql: Sql, _: &[Value]) -> Result<u64> {
        Err(tried_to_write(sql))
    }
}

/// Returns the rows of the statement that was recorded.
struct ReplayRows<'q> {
    query: &'q LookupQuery,
    rows: Option<Vec<Row>>,
}

impl Db for ReplayRows<'_> {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        let is_same = self.query.sql == sql && self.query.values == values;
        match self.rows.take() {
            Some(rows) if is_same => Ok(rows),
            Some(_) => Err(Error::internal("a lookup ran another statement the second time")),
            None => Err(Error::internal("a single-statement read ran a second statement")),
        }
    }

    fn run(&mut self, sql: Sql, _: &[Value]) -> Result<u64> {
        Err(tried_to_write(sql))
    }
}
