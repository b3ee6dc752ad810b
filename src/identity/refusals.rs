//! What limits refused, gathered until its minute is over: then each limit, caller and account name has one record in
//! the audit log, with how often.
//!
//! Refusing costs no write of its own, so that a flood of refused calls is no flood of writes. A restart that is asked
//! for loses nothing; a power cut at most the current minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Core;
use super::guard::Bucket;
use crate::env::Env;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::model::event::What;
use crate::model::{Barrier, Client, Event, Source, Time};
use crate::store;
use crate::store::db::Db;

/// How many callers of one limit and minute have a record of their own; all others share one.
const APART: usize = 1_000;
/// How many limits and minutes are gathered while nobody comes to write them.
const GATHERED: usize = 64;
/// How many records are kept while they cannot be written.
const WAITING: usize = 20_000;
/// How many records one write makes.
const PIECE: usize = 200;
const MINUTE: i64 = 60_000;

/// What was refused and is not written yet. Clones gather together.
#[derive(Clone)]
pub struct Refusals(Arc<Inner>);

struct Inner {
    env: Env,
    metrics: Metrics,
    gathered: Mutex<Gathered>,
    waiting: tokio::sync::Mutex<Vec<Due>>,
}

type Minutes = BTreeMap<(i64, Barrier), HashMap<Who, Tally>>;

#[derive(Default)]
struct Gathered {
    minutes: Minutes,
    /// How many refusals there were: the order in which tallies began.
    seen: u64,
}

/// Whom a refusal is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    /// A caller, at an account name where the limit looks at one.
    This(Client, Option<String>),
    /// All for whom there was no room.
    Others,
}

/// How often, and the first time.
#[derive(Debug, Clone)]
struct Tally {
    order: u64,
    first: Time,
    count: i64,
    event: Event,
    source: Source,
}

/// A record that is due. It gets its id when it is first written: nothing is lost where none can be made.
struct Due {
    id: Option<String>,
    tally: Tally,
}

impl Due {
    fn named(&mut self, env: &Env) -> Result<(String, Tally)> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.id.insert(env.new_id()?).clone(),
        };
        Ok((id, self.tally.clone()))
    }
}

/// Which minutes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Those that are over.
    LastMinute,
    /// The current one too: nobody is refused any more.
    Now,
}

impl Refusals {
    /// Nothing gathered yet.
    #[must_use]
    pub fn new(env: Env, metrics: Metrics) -> Self {
        Self(Arc::new(Inner { env, metrics, gathered: Mutex::default(), waiting: tokio::sync::Mutex::default() }))
    }

    /// Somebody was refused: by their calls from this client (which may be a stand-in for an app), or at an account name.
    pub fn note(&self, barrier: Barrier, client: Client, subject: Option<&Bucket>, source: &Source) {
        let Inner { env, metrics, .. } = &*self.0;
        metrics.note_refusal(barrier);
        let now = env.now();
        let minute = (now.millis().div_euclid(MINUTE), barrier);
        let mut gathered = self.gathered();
        let Gathered { minutes, seen } = &mut *gathered;
        if minutes.len() >= GATHERED && !minutes.contains_key(&minute) {
            give_up_oldest(minutes);
        }
        let tallies = minutes.entry(minute).or_default();
        *seen += 1;
        let this = Who::This(client, subject.map(|bucket| bucket.text().to_owned()));
        if let Some(tally) = tallies.get_mut(&this) {
            tally.count += 1;
        } else if tallies.len() < APART {
            tallies.insert(this, Tally { order: *seen, ..Tally::first(barrier, subject, source, now) });
        } else {
            let nobody = Source { address: None, user_agent: None, request_id: None };
            let others = || Tally { order: *seen, count: 0, ..Tally::first(barrier, None, &nobody, now) };
            tallies.entry(Who::Others).or_insert_with(others).count += 1;
        }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is due, in the order in which it began.
    fn take(&self, until: Until) -> Vec<Tally> {
        let this_minute = self.0.env.now().millis().div_euclid(MINUTE);
        let mut gathered = self.gathered();
        let mut due = Vec::new();
        gathered.minutes.retain(|(minute, _), tallies| {
            let stays = until == Until::LastMinute && *minute >= this_minute;
            if !stays {
                due.extend(tallies.drain().map(|(_, tally)| tally));
            }
            stays
        });
        due.sort_by_key(|tally| tally.order);
        due
    }
}

/// Makes room for another minute; says how many refusals are in no record therefore.
fn give_up_oldest(minutes: &mut Minutes) -> i64 {
    let oldest = minutes.pop_first().map(|(_, tallies)| tallies).unwrap_or_default();
    let refusals = oldest.values().map(|tally| tally.count).sum();
    tracing::error!(refusals, records = oldest.len(), "refusals of a minute that was not written are given up");
    refusals
}

impl Tally {
    fn first(barrier: Barrier, subject: Option<&Bucket>, source: &Source, now: Time) -> Self {
        let event = Event::refused(What::LimitHit).because(barrier.as_str());
        let event = Event {
            account: subject.and_then(Bucket::account).cloned(),
            actor: subject.and_then(Bucket::actor).map(str::to_owned),
            ..event
        };
        Self { order: 0, first: now, count: 1, event, source: source.clone() }
    }
}

/// Writes what is due, each with its count.
///
/// # Errors
/// What the store says; what was not written is tried again the next time.
pub async fn record(core: &Core, until: Until) -> Result<()> {
    let Inner { env, metrics, waiting, .. } = &*core.refusals.0;
    let mut waiting = waiting.lock().await;
    waiting.extend(core.refusals.take(until).into_iter().map(|tally| Due { id: None, tally }));
    let too_many = waiting.len().saturating_sub(WAITING);
    if too_many > 0 {
        tracing::error!(records = too_many, "refusals that could not be written are not in the audit log");
        waiting.drain(..too_many);
    }
    while !waiting.is_empty() {
        let piece = waiting.iter_mut().take(PIECE).map(|due| due.named(env)).collect::<Result<Vec<_>>>()?;
        let written = piece.clone();
        // One whose write had an open outcome may be there already: it keeps its id, and is not written twice.
        let write = move |db: &mut dyn Db| {
            piece.iter().try_for_each(|(id, Tally { first, count, event, source, .. })| {
                store::audit::insert_counted(db, id, *first, event, source, *count)
            })
        };
        core.store.write(write).await?;
        for (_, tally) in &written {
            metrics.note_event(&tally.event);
        }
        waiting.drain(..written.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Clock, Random};
    use std::sync::atomic::{AtomicI64, Ordering};

    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Time {
            Time::from_millis(self.0.load(Ordering::SeqCst))
        }

        fn wall(&self) -> Time {
            self.now()
        }
    }

    struct Zeros;

    impl Random for Zeros {
        fn fill(&self, buffer: &mut [u8]) -> Result<()> {
            buffer.fill(0);
            Ok(())
        }
    }

    struct Nothing;

    impl Random for Nothing {
        fn fill(&self, _: &mut [u8]) -> Result<()> {
            Err(crate::error::Error::internal("no randomness"))
        }
    }

    fn world() -> (Arc<Hand>, Refusals) {
        let hand = Arc::new(Hand(AtomicI64::new(1_700_000_000_000)));
        (hand.clone(), Refusals::new(Env::new(hand, Arc::new(Zeros)), Metrics::default()))
    }

    fn source(last: u32) -> Source {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + last);
        Source { address: Some(address.into()), user_agent: None, request_id: None }
    }

    #[test]
    fn a_minute_that_goes_on_is_not_due_yet() {
        let (hand, refusals) = world();
        let note = || refusals.note(Barrier::Throttle, source(1).client(), None, &source(1));
        note();
        assert!(refusals.take(Until::LastMinute).is_empty());
        note();
        hand.0.fetch_add(MINUTE, Ordering::SeqCst);
        note();
        let due = refusals.take(Until::LastMinute);
        assert_eq!(due.iter().map(|tally| tally.count).collect::<Vec<_>>(), [2]);
        assert_eq!(refusals.take(Until::Now).len(), 1);
        assert!(refusals.take(Until::Now).is_empty());
    }

    #[test]
    fn what_can_have_no_id_yet_is_still_due() {
        let (hand, refusals) = world();
        refusals.note(Barrier::Throttle, source(1).client(), None, &source(1));
        let mut due: Vec<_> = refusals.take(Until::Now).into_iter().map(|tally| Due { id: None, tally }).collect();
        assert!(due[0].named(&Env::new(hand.clone(), Arc::new(Nothing))).is_err());
        let (id, tally) = due[0].named(&Env::new(hand.clone(), Arc::new(Zeros))).unwrap();
        assert_eq!(tally.count, 1);
        let again = due[0].named(&Env::new(hand, Arc::new(Nothing))).unwrap();
        assert_eq!(again.0, id, "it keeps its id, so that it is not written twice");
    }

    #[test]
    fn a_minute_that_is_given_up_says_how_much_was_in_it() {
        let (_, refusals) = world();
        for last in [1, 2, 2] {
            refusals.note(Barrier::Throttle, source(last).client(), None, &source(last));
        }
        assert_eq!(give_up_oldest(&mut refusals.gathered().minutes), 3);
        assert!(refusals.take(Until::Now).is_empty());
    }

    #[test]
    fn any_number_of_callers_stays_within_the_bound_and_none_goes_uncounted() {
        let (hand, refusals) = world();
        for last in 0..10_000 {
            refusals.note(Barrier::Throttle, source(last).client(), None, &source(last));
        }
        refusals.note(Barrier::Lockout, source(1).client(), None, &source(1));
        let due = refusals.take(Until::Now);
        assert_eq!(due.len(), APART + 2, "one flood leaves room for what other limits refuse");
        assert_eq!(due.iter().map(|tally| tally.count).sum::<i64>(), 10_001);
        assert!(due.iter().any(|tally| tally.source.address.is_none() && tally.count == 9_000));
        for _ in 0..10 * GATHERED {
            hand.0.fetch_add(MINUTE, Ordering::SeqCst);
            refusals.note(Barrier::Throttle, source(1).client(), None, &source(1));
        }
        assert_eq!(refusals.take(Until::Now).len(), GATHERED);
    }
}
