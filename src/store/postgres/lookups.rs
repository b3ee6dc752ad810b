//! Lookups: reads of a single statement, such as that of the session in every token check.
//!
//! Those that wait are sent together on one connection, and the rows come back in the same order
//! (pipelining). One by one, each of them would put both processes to sleep and wake them, which costs
//! more than the read itself.
//!
//! So a closure runs twice: once to learn its statement, and once with the rows. It sees one snapshot, as
//! a single statement does, and needs no transaction.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::sync::oneshot;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::executor::{is_reading, tried_to_write};
use super::fault::{Fault, FaultClass};
use super::read_queue::ReadTaker;
use super::read_threads::{ReadThreads, Slot};
use super::retry::Attempts;
use crate::error::{Error, Result};
use crate::store::db::{Db, Row, Sql, Value};

/// How many lookups are sent together at most.
const MOST: usize = 64;

/// The thread for lookups and their queue. With a second one, the groups are smaller and both processes
/// work more for each lookup.
pub(super) struct PgLookups(ReadThreads<Box<dyn Lookup>>);

impl PgLookups {
    pub(super) fn start(server: &PgServer, fence: &Fence) -> Result<Self> {
        let run_all = |slot: &mut Slot, lookups: &ReadTaker<'_, Box<dyn Lookup>>| {
            while let Some(group) = lookups.next_group(MOST) {
                run_group(slot, group);
            }
        };
        ReadThreads::start("authd-lookup", 1, &Slot::new(server, fence), run_all).map(Self)
    }

    /// Runs a reading closure of a single statement. A panic of the closure is the caller's.
    pub(super) async fn look_up<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        self.0.add(Box::new(PendingLookup { work, caller: Some(caller) }))?;
        match answer.await {
            Ok(Ok(read)) => read,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::unavailable("the database readers stopped before this read")),
        }
    }
}

/// A statement and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub sql: Sql,
    pub values: Vec<Value>,
}

/// A read of a single statement, independent of its closure's return type.
trait Lookup: Send {
    /// The statement of the closure. `None` if nobody waits for the answer any more, or if the closure
    /// has ended without a statement: its caller has the answer then.
    fn question(&mut self) -> Option<Question>;

    /// Runs the closure with what its statement returned, and answers its caller.
    fn answer(self: Box<Self>, question: Question, rows: Result<Vec<Row>>);
}

type Caller<T> = oneshot::Sender<std::thread::Result<Result<T>>>;

struct PendingLookup<T, F> {
    work: F,
    /// `None` once it is answered.
    caller: Option<Caller<T>>,
}

impl<T, F> PendingLookup<T, F>
where
    F: Fn(&mut dyn Db) -> Result<T>,
{
    fn run(&self, db: &mut dyn Db) -> std::thread::Result<Result<T>> {
        catch_unwind(AssertUnwindSafe(|| (self.work)(db)))
    }

    fn send(&mut self, answer: std::thread::Result<Result<T>>) {
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
    fn question(&mut self) -> Option<Question> {
        if self.caller.as_ref().is_none_or(oneshot::Sender::is_closed) {
            return None;
        }
        let mut learning = Learning::default();
        let ended = self.run(&mut learning);
        if learning.question.is_none() || ended.is_err() {
            self.send(ended);
            return None;
        }
        learning.question
    }

    fn answer(mut self: Box<Self>, question: Question, rows: Result<Vec<Row>>) {
        let ended = self.run(&mut Answering { question, rows: Some(rows) });
        self.send(ended);
    }
}

/// Learns what a closure asks for.
#[derive(Default)]
struct Learning {
    question: Option<Question>,
}

impl Db for Learning {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        if !is_reading(sql.text()) {
            return Err(tried_to_write(sql));
        }
        self.question.get_or_insert_with(|| Question { sql, values: values.to_vec() });
        Err(Error::unavailable("the rows of this statement are still to be read"))
    }

    fn run(&mut self, sql: Sql, _: &[Value]) -> Result<u64> {
        Err(tried_to_write(sql))
    }
}

/// Gives a closure what its statement returned.
struct Answering {
    question: Question,
    rows: Option<Result<Vec<Row>>>,
}

impl Db for Answering {
    fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
        let is_same = self.question.sql == sql && self.question.values == values;
        match self.rows.take() {
            Some(rows) if is_same => rows,
            Some(_) => Err(Error::internal("a lookup asked for something else the second time")),
            None => Err(Error::internal("a single-statement read ran a second statement")),
        }
    }

    fn run(&mut self, sql: Sql, _: &[Value]) -> Result<u64> {
        Err(tried_to_write(sql))
    }
}

type Asked = (Box<dyn Lookup>, Question);

/// Answers a group of lookups. Those that met a conflict or lost the connection are sent again.
fn run_group(slot: &mut Slot, group: Vec<Box<dyn Lookup>>) {
    let asked = group.into_iter().filter_map(|mut lookup| {
        let question = lookup.question()?;
        tracing::trace!(sql = question.sql.text(), "statement");
        Some((lookup, question))
    });
    let mut waiting: Vec<Asked> = asked.collect();
    let mut attempts = Attempts::start();
    while !waiting.is_empty() {
        if let Err(closed) = slot.fence.check() {
            return fail(waiting, &closed);
        }
        waiting = match slot.open() {
            Ok(connection) => send(slot, connection, waiting),
            Err(_) if attempts.again(&slot.server.env) => continue,
            Err(error) => return fail(waiting, &error),
        };
        if !waiting.is_empty() && !attempts.again(&slot.server.env) {
            let lost =
                Error::unavailable("PostgreSQL did not answer, also when it was asked again");
            return fail(waiting, &lost);
        }
    }
}

/// Sends a group once. Returns the lookups that are to be sent again.
fn send(slot: &mut Slot, mut connection: PgConnection, group: Vec<Asked>) -> Vec<Asked> {
    let questions: Vec<&Question> = group.iter().map(|(_, question)| question).collect();
    let outcomes = connection.query_all(&questions);
    let (mut again, mut is_lost) = (Vec::new(), false);
    for ((lookup, question), outcome) in group.into_iter().zip(outcomes) {
        match outcome {
            Ok(rows) => lookup.answer(question, Ok(rows)),
            Err(Fault { class: FaultClass::Statement, error }) => {
                lookup.answer(question, Err(error));
            }
            Err(Fault { class: FaultClass::Outage | FaultClass::Outdated, error }) => {
                is_lost = true;
                lookup.answer(question, Err(error));
            }
            Err(fault) => {
                is_lost = true;
                if fault.class == FaultClass::Unprepared {
                    slot.server.set_pooled();
                }
                again.push((lookup, question));
            }
        }
    }
    slot.connection = (!is_lost).then_some(connection);
    again
}

/// Tells all callers that the database did not answer.
fn fail(group: Vec<Asked>, why: &Error) {
    for (lookup, question) in group {
        lookup.answer(question, Err(Error::unavailable(why.chain())));
    }
}
