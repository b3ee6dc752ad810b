//! Implements [`Db`] on a connection to PostgreSQL.
//!
//! After a statement fails, PostgreSQL runs no other one in the transaction, while SQLite takes back
//! that statement alone. A closure that goes on after a failure is run again with a savepoint around
//! each statement, which is too slow for every closure.

use super::connection::PgConnection;
use super::fault::{Fault, FaultClass};
use crate::error::{Error, Kind, Result};
use crate::store::db::{AfterCommit, Db, Row, Sql, Value};

/// What a closure may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PgAccess {
    /// Any number of reading statements in a transaction.
    Read,
    /// A single statement that raises a counter, in a transaction of its own.
    Count,
    /// Any statements in a transaction.
    Write,
    /// As `Write`, each statement in a savepoint.
    Guarded,
}

/// A connection inside a transaction, as closures see it.
pub(super) struct PgExecutor<'c> {
    connection: &'c mut PgConnection,
    access: PgAccess,
    /// Commands to send with the first statement.
    before: &'c mut String,
    /// What ended the transaction.
    failure: Option<FaultClass>,
    went_on: bool,
    callbacks: Vec<AfterCommit>,
}

impl<'c> PgExecutor<'c> {
    pub(super) fn new(
        connection: &'c mut PgConnection,
        access: PgAccess,
        before: &'c mut String,
    ) -> Self {
        Self { connection, access, before, failure: None, went_on: false, callbacks: Vec::new() }
    }

    /// The callbacks to run after the commit.
    pub(super) fn take_callbacks(&mut self) -> Vec<AfterCommit> {
        std::mem::take(&mut self.callbacks)
    }

    /// What ended the transaction, if a statement failed.
    pub(super) fn failure(&self) -> Option<FaultClass> {
        self.failure
    }

    /// Whether the closure ran another statement after one had failed.
    pub(super) fn went_on(&self) -> bool {
        self.went_on
    }

    fn query(&mut self, sql: Sql, values: &[Value]) -> Result<(Vec<Row>, u64)> {
        tracing::trace!(sql = sql.text(), "statement");
        if self.failure.is_some() {
            self.went_on = true;
            return Err(Error::unavailable(
                "an earlier statement has ended the transaction that this statement belongs to",
            ));
        }
        if self.access == PgAccess::Guarded {
            self.before.push_str("savepoint statement;");
        }
        let outcome = self.connection.query(self.before, sql.text(), values);
        self.before.clear();
        match (outcome, self.access) {
            (Ok(answer), PgAccess::Guarded) => {
                self.before.push_str("release statement;");
                Ok(answer)
            }
            (Ok(answer), _) => Ok(answer),
            (Err(fault), PgAccess::Guarded) if fault.class == FaultClass::Statement => {
                self.before.push_str("rollback to statement; release statement;");
                Err(fault.error)
            }
            (Err(fault), _) => Err(self.noted(fault, sql)),
        }
    }

    fn noted(&mut self, fault: Fault, sql: Sql) -> Error {
        self.failure = Some(fault.class);
        let reads = self.access == PgAccess::Read;
        if reads && fault.class == FaultClass::Outage && !is_reading(sql.text()) {
            self.failure = Some(FaultClass::Statement);
            return tried_to_write(sql);
        }
        if fault.class == FaultClass::Statement && fault.error.kind() == Kind::Internal {
            tracing::debug!(sql = sql.text(), error = fault.error.chain(), "a statement failed");
        }
        fault.error
    }
}

/// The error of a read that tries to write.
pub(super) fn tried_to_write(sql: Sql) -> Error {
    Error::internal(format!("a read tried to write: {}", sql.text()))
}

/// Whether a statement begins like one that only reads.
pub(super) fn is_reading(sql: &str) -> bool {
    sql.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

impl Db for PgExecutor<'_> {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        self.query(sql, values).map(|(rows, _)| rows)
    }

    fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64> {
        self.query(sql, values).map(|(_, changed)| changed)
    }

    fn after_commit(&mut self, callback: AfterCommit) {
        self.callbacks.push(callback);
    }
}
