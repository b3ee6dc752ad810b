//! Lookups: reads of a single statement, such as that of the session in every token check.
//!
//! Those that wait are sent together on one connection, and the rows come back in the same order
//! (pipelining). One by one, each of them would put both processes to sleep and wake them, which costs
//! more than the read itself. Poolers do not handle several statements at a time reliably, so behind one
//! several threads send one each.
//!
//! So a closure runs twice: once to learn its statement, and once with the rows. It sees one snapshot, as
//! a single statement does, and needs no transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::executor::{is_reading, tried_to_write};
use super::fault::FaultClass;
use super::read_queue::ReadTaker;
use super::read_threads::{ReadCaller, ReadThreads, Slot, answer_of};
use super::retry::Attempts;
use crate::error::{Error, Result};
use crate::store::db::{Db, Row, Sql, Value};

/// How many lookups are sent together at most.
const GROUP: usize = 64;

/// The threads behind a pooler. Without one there is one thread: with a second, the groups would be smaller
/// and both processes would work more for each lookup.
const THREADS_BEHIND_POOLER: usize = 6;

/// What a new connection begins with: a lookup that waits for a lock does not hold up the others for long,
/// and the server ends what nobody waits for any more.
const LIMITS: &str = "set lock_timeout = '2s'; set statement_timeout = '15s'";

type BoxedLookup = Box<dyn Lookup>;

/// The threads for lookups and their queue.
pub(super) struct PgLookups(ReadThreads<BoxedLookup>);

impl PgLookups {
    pub(super) fn start(server: &PgServer, fence: &Fence) -> Result<Self> {
        let count = if server.is_pooled() { THREADS_BEHIND_POOLER } else { 1 };
        ReadThreads::start("authd-lookup", count, (server, fence), run_all).map(Self)
    }

    /// Runs a reading closure of a single statement. A panic of the closure is the caller's.
    pub(super) async fn look_up<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.0.add(Box::new(PendingLookup { work, caller: Some(caller) }))?;
        answer_of(answer).await
    }
}

/// A statement and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LookupQuery {
    pub sql: Sql,
    pub values: Vec<Value>,
}

/// A read of a single statement, independent of its closure's return type.
trait Lookup: Send {
    /// The statement of the closure. `None` if nobody waits for the answer any more, or if the closure
    /// has ended without a statement: its caller has the answer then.
    fn query(&mut self) -> Option<LookupQuery>;

    /// Runs the closure with what its statement returned, and answers its caller.
    fn answer(self: Box<Self>, query: &LookupQuery, rows: Vec<Row>);

    /// Answers its caller with an error.
    fn refuse(self: Box<Self>, error: Error);
}

struct PendingLookup<T, F> {
    work: F,
    /// `None` once it is answered.
    caller: Option<ReadCaller<T>>,
}

impl<T, F> PendingLookup<T, F>
where
    F: Fn(&mut dyn Db) -> Result<T>,
{
    fn run(&self, db: &mut dyn Db) -> std::thread::Result<Result<T>> {
        catch_unwind(AssertUnwindSafe(|| (self.work)(db)))
    }

    fn tell(&mut self, answer: std::thread::Result<Result<T>>) {
        if let Some(caller) = self.caller.take() {
            let _ = caller.send(answer);
        }
    }
}

impl<T, F> Lookup for PendingLookup<T, F>
where
    T: Send,
    F: Fn(&mut dyn Db) -> Result<T> + Send,
{
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

    fn answer(mut self: Box<Self>, query: &LookupQuery, rows: Vec<Row>) {
        let ended = self.run(&mut ReplayRows { query, rows: Some(rows) });
        self.tell(ended);
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

/// Answers lookups until the queue is closed and empty.
fn run_all(slot: &mut Slot, lookups: &ReadTaker<'_, BoxedLookup>) {
    loop {
        let most = if slot.server.is_pooled() { 1 } else { GROUP };
        let Some(group) = lookups.next_group(most) else { return };
        let run = catch_unwind(AssertUnwindSafe(|| run_group(slot, lookups, group)));
        if run.is_err() {
            // The thread goes on: without it, no token would be checked any more.
            slot.connection = None;
            tracing::error!("a group of lookups ended in a panic");
        }
    }
}

/// Answers a group of lookups. Those that met a conflict or lost the connection are sent again.
fn run_group(slot: &mut Slot, lookups: &ReadTaker<'_, BoxedLookup>, group: Vec<BoxedLookup>) {
    let queries = group.into_iter().filter_map(|mut lookup| {
        let query = lookup.query()?;
        tracing::trace!(sql = query.sql.text(), "statement");
        Some((lookup, query))
    });
    let mut waiting: Vec<_> = queries.collect();
    let mut attempts = Attempts::start();
    while !waiting.is_empty() {
        if let Err(closed) = slot.fence.check() {
            return refuse_all(waiting.into_iter().map(|(lookup, _)| lookup), &closed);
        }
        let connection = match slot.open_with(LIMITS) {
            Ok(connection) => connection,
            Err(_) if attempts.again(&slot.server.env) => continue,
            Err(error) => {
                // What has come meanwhile would only wait as long for the same answer.
                let group = waiting.into_iter().map(|(lookup, _)| lookup);
                return refuse_all(group.chain(lookups.rest()), &error);
            }
        };
        let (unanswered, cause) = send(slot, connection, waiting);
        if !unanswered.is_empty() && !attempts.again(&slot.server.env) {
            let cause = cause.unwrap_or_else(|| Error::unavailable("a lookup got no answer"));
            return refuse_all(unanswered.into_iter().map(|(lookup, _)| lookup), &cause);
        }
        waiting = unanswered;
    }
}

/// Sends a group once. Returns those that can be sent again, and why.
fn send(
    slot: &mut Slot,
    mut connection: PgConnection,
    group: Vec<(BoxedLookup, LookupQuery)>,
) -> (Vec<(BoxedLookup, LookupQuery)>, Option<Error>) {
    let (lookups, queries): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    let mut lookups: Vec<_> = lookups.into_iter().map(Some).collect();
    let (mut is_lost, mut cause) = (false, None);
    let mut next = lookups.iter_mut().zip(&queries);
    let sent = connection.query_all(&queries, |outcome| {
        let Some((place, query)) = next.next() else { return };
        let fault = match (outcome, place.take()) {
            (Ok(rows), Some(lookup)) => return lookup.answer(query, rows),
            (Err(fault), Some(lookup)) if is_final(fault.class) => {
                is_lost |= fault.class != FaultClass::Statement;
                return lookup.refuse(fault.error);
            }
            (Err(fault), lookup) => {
                *place = lookup;
                fault
            }
            (Ok(_), None) => return,
        };
        is_lost |= fault.class != FaultClass::Conflict;
        if fault.class == FaultClass::Unprepared {
            slot.server.set_pooled();
        }
        cause = Some(fault.error);
    });
    if let Err(fault) = sent {
        (is_lost, cause) = (true, Some(fault.error));
    }
    slot.connection = (!is_lost).then_some(connection);
    let unanswered = lookups.into_iter().zip(queries);
    (unanswered.filter_map(|(lookup, query)| Some((lookup?, query))).collect(), cause)
}

/// Whether the statement would fail again.
fn is_final(class: FaultClass) -> bool {
    matches!(class, FaultClass::Statement | FaultClass::Outage | FaultClass::Outdated)
}

/// Tells all callers why the database does not answer.
fn refuse_all(lookups: impl Iterator<Item = BoxedLookup>, why: &Error) {
    for lookup in lookups {
        lookup.refuse(Error::unavailable(why.chain()));
    }
}
