//! The thread for lookups: reads of a single statement, such as that of the session in every token check.
//!
//! Those that wait are sent together on one connection, and the rows come back in the same order
//! (pipelining). One by one, each of them would put both processes to sleep and wake them, which costs
//! more than the read itself. Poolers do not handle several statements at a time reliably, so behind one
//! several threads send one each.
//!
//! Results are cached. With every group the thread asks for the version of the database: if it is the same,
//! lookups with a cached result need nothing else. If it had changed in the last group, all lookups are sent
//! at once, without waiting for the answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Fence;
use super::connection::{PgConnection, PgServer};
use super::data_version::DataVersion;
use super::fault::{Fault, FaultClass};
use super::lookup::{KeptResult, Lookup, LookupQuery, PendingLookup};
use super::read_queue::ReadTaker;
use super::read_threads::{ReadThreads, Slot, answer_of};
use super::retry::Attempts;
use crate::error::{Error, Result};
use crate::store::db::{Db, Row};
use crate::store::read_cache::{Key, ReadCache};

/// How many lookups are sent together at most.
const GROUP: usize = 64;

/// How many results are cached; about eight megabytes.
const RESULTS: usize = 8192;

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
        let run_all = |slot: &mut Slot, lookups: &ReadTaker<'_, BoxedLookup>| {
            let cache = LookupCache { results: ReadCache::of(RESULTS), is_changing: true };
            LookupThread { slot, cache }.run_all(lookups);
        };
        ReadThreads::start("authd-lookup", count, (server, fence), run_all).map(Self)
    }

    /// Runs a reading closure of a single statement. A panic of the closure is the caller's.
    pub(super) async fn look_up<T, F>(
        &self,
        (question, subject): Key<'_>,
        work: F,
    ) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&mut dyn Db) -> Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let key = (question, subject.to_owned());
        self.0.add(Box::new(PendingLookup { key, work, caller: Some(caller) }))?;
        answer_of(answer).await
    }
}

/// What became of lookups that were sent together.
#[derive(Default)]
struct SentGroup {
    results: Vec<KeptResult>,
    /// Those that failed, and can be sent again.
    failed: Vec<BoxedLookup>,
    /// Those whose cached result is out of date.
    outdated: Vec<BoxedLookup>,
    /// Why something failed.
    cause: Option<Error>,
    is_lost: bool,
}

impl SentGroup {
    fn take(&mut self, lookup: BoxedLookup, query: &LookupQuery, outcome: Result<Vec<Row>, Fault>) {
        match outcome {
            Ok(rows) => self.results.extend(lookup.answer(query, rows)),
            Err(fault) if is_final(fault.class) => {
                self.is_lost |= fault.class != FaultClass::Statement;
                lookup.refuse(fault.error);
            }
            Err(fault) => {
                self.failed.push(lookup);
                self.note(fault);
            }
        }
    }

    /// The version of the database, if the server told it.
    fn version(
        &mut self,
        outcome: Result<Vec<Row>, Fault>,
        server: &PgServer,
    ) -> Option<DataVersion> {
        match outcome {
            Ok(rows) => return DataVersion::of(rows),
            Err(fault) if fault.class == FaultClass::Statement => {
                server.stop_showing_changes(&fault.error);
            }
            Err(fault) => self.note(fault),
        }
        None
    }

    fn note(&mut self, fault: Fault) {
        self.is_lost |= !matches!(fault.class, FaultClass::Statement | FaultClass::Conflict);
        self.cause = Some(fault.error);
    }
}

/// Whether the statement would fail again.
fn is_final(class: FaultClass) -> bool {
    matches!(class, FaultClass::Statement | FaultClass::Outage | FaultClass::Outdated)
}

/// The cached results, and whether they are worth waiting for the version.
struct LookupCache {
    results: ReadCache<DataVersion>,
    /// Whether the version was another one when it was last asked for.
    is_changing: bool,
}

impl LookupCache {
    /// Whether the result of the lookup can probably be used.
    fn probably_has(&self, lookup: &BoxedLookup) -> bool {
        !self.is_changing && self.results.find(lookup.key()).is_some()
    }

    /// Answers lookups with their cached results if the database still has this version. Returns those that
    /// have to be sent.
    fn answer(
        &mut self,
        lookups: Vec<BoxedLookup>,
        version: Option<DataVersion>,
    ) -> Vec<BoxedLookup> {
        self.is_changing = version.is_none_or(|version| !self.results.move_to(version));
        if self.is_changing {
            return lookups;
        }
        let unanswered = |lookup: BoxedLookup| {
            let Some(result) = self.results.find(lookup.key()) else { return Some(lookup) };
            let result = result.clone();
            lookup.answer_with(&result);
            None
        };
        lookups.into_iter().filter_map(unanswered).collect()
    }
}

/// The state of a thread.
struct LookupThread<'s> {
    slot: &'s mut Slot,
    cache: LookupCache,
}

impl LookupThread<'_> {
    /// Answers lookups until the queue is closed and empty.
    fn run_all(mut self, lookups: &ReadTaker<'_, BoxedLookup>) {
        loop {
            let most = if self.slot.server.is_pooled() { 1 } else { GROUP };
            let Some(group) = lookups.next_group(most) else { return };
            let run = catch_unwind(AssertUnwindSafe(|| self.run_group(lookups, group)));
            if run.is_err() {
                // The thread goes on: without it, no token would be checked any more.
                self.slot.connection = None;
                tracing::error!("a group of lookups ended in a panic");
            }
        }
    }

    fn run_group(&mut self, lookups: &ReadTaker<'_, BoxedLookup>, group: Vec<BoxedLookup>) {
        if !self.slot.server.shows_changes() {
            return self.answer(lookups, group, None);
        }
        let (cached, group) = group.into_iter().partition(|lookup| self.cache.probably_has(lookup));
        self.answer(lookups, group, Some(cached));
    }

    /// Answers lookups. Those with an outdated result, a conflict or a lost connection are sent again.
    fn answer(
        &mut self,
        lookups: &ReadTaker<'_, BoxedLookup>,
        mut group: Vec<BoxedLookup>,
        mut cached: Option<Vec<BoxedLookup>>,
    ) {
        let mut attempts = Attempts::start();
        loop {
            let connection = match self.connection() {
                Ok(connection) => connection,
                Err(_) if self.may_try_again(&mut attempts) => continue,
                Err(error) => {
                    let group = group.into_iter().chain(cached.into_iter().flatten());
                    // What has come meanwhile would only wait as long for the same answer.
                    return refuse_all(group.chain(lookups.rest()), &error);
                }
            };
            let sent = self.send(connection, group, cached.take());
            // They were read after the version that the cache has, if it has any.
            let keep = |(key, result)| self.cache.results.keep(key, result);
            sent.results.into_iter().for_each(keep);
            if !sent.outdated.is_empty() {
                self.answer(lookups, sent.outdated, None);
            }
            group = sent.failed;
            if group.is_empty() {
                return;
            }
            if !self.may_try_again(&mut attempts) {
                let no_answer = || Error::unavailable("a lookup got no answer");
                let cause = sent.cause.unwrap_or_else(no_answer);
                return refuse_all(group.into_iter(), &cause);
            }
        }
    }

    fn connection(&mut self) -> Result<PgConnection> {
        self.slot.fence.check()?;
        if self.slot.connection.as_ref().is_none_or(PgConnection::is_closed) {
            // The next connection may lead to another server.
            self.cache.results.clear();
        }
        self.slot.open_with(LIMITS)
    }

    fn may_try_again(&self, attempts: &mut Attempts) -> bool {
        !self.slot.fence.is_closed() && attempts.again(&self.slot.server.env)
    }

    /// Sends lookups once, after the question for the version of the database if there is a list of cached
    /// ones, which may be empty.
    fn send(
        &mut self,
        mut connection: PgConnection,
        lookups: Vec<BoxedLookup>,
        mut cached: Option<Vec<BoxedLookup>>,
    ) -> SentGroup {
        let asked = lookups.into_iter().filter_map(|mut lookup| {
            let query = lookup.query()?;
            tracing::trace!(sql = query.sql.text(), "statement");
            Some((lookup, query))
        });
        let (lookups, queries): (Vec<_>, Vec<_>) = asked.unzip();
        let version = cached.is_some().then(DataVersion::query);
        let all: Vec<_> = version.iter().chain(&queries).collect();
        let (mut sent, mut next) = (SentGroup::default(), lookups.into_iter().zip(&queries));
        let outcome = connection.query_all(&all, |outcome| {
            if let Some(cached) = cached.take() {
                let version = sent.version(outcome, &self.slot.server);
                sent.outdated = self.cache.answer(cached, version);
            } else if let Some((lookup, query)) = next.next() {
                sent.take(lookup, query, outcome);
            }
        });
        sent.failed.extend(next.map(|(lookup, _)| lookup));
        sent.failed.extend(cached.into_iter().flatten());
        if let Err(fault) = outcome {
            (sent.is_lost, sent.cause) = (true, Some(fault.error));
        }
        self.slot.connection = (!sent.is_lost).then_some(connection);
        sent
    }
}

/// Tells all callers why the database does not answer.
fn refuse_all(lookups: impl Iterator<Item = BoxedLookup>, why: &Error) {
    for lookup in lookups {
        lookup.refuse(Error::unavailable(why.chain()));
    }
}
