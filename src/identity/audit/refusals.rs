//! Requests that limits refused, collected in memory until their minute is over. Then each limit,
//! client and account name gets one record in the audit log, with a count.
//!
//! A refusal writes nothing by itself, so a flood of refused requests does not become a flood of
//! writes. A clean restart loses nothing, a power failure at most the current minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::env::Env;
use crate::error::Result;
use crate::identity::access::login_target::LoginTarget;
use crate::metrics::Metrics;
use crate::model::event::What;
use crate::model::{Barrier, ClientIp, Event, Source, Time};
use crate::store::db::Db;
use crate::store::{self, Store};

/// How many clients per limit and minute get a record of their own. The others share one.
const APART: usize = 1_000;
/// How many pairs of limit and minute are kept while nothing writes them.
const GATHERED: usize = 64;
/// How many records are kept while they cannot be written.
const WAITING: usize = 20_000;
/// How many records go into one write.
const PIECE: usize = 200;
const MINUTE: i64 = 60_000;

/// Refusals that are not written yet. Clones share the same collection.
#[derive(Clone)]
pub struct Refusals(Arc<RefusalsInner>);

struct RefusalsInner {
    env: Env,
    metrics: Metrics,
    gathered: Mutex<Gathered>,
    waiting: tokio::sync::Mutex<Vec<Due>>,
}

type Minutes = BTreeMap<(i64, Barrier), HashMap<Who, RefusalCount>>;

#[derive(Default)]
struct Gathered {
    minutes: Minutes,
    /// How many refusals there were. This gives the order in which the counts began.
    seen: u64,
}

/// The party that a refusal is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    /// A client, with an account name if the limit looks at one.
    This(ClientIp, Option<String>),
    /// All parties beyond [`APART`].
    Others,
}

/// How often, and when first.
#[derive(Debug, Clone)]
struct RefusalCount {
    order: u64,
    first: Time,
    count: i64,
    event: Event,
    source: Source,
}

/// A record that is due. It gets its id when it is first written, so that no record is lost if
/// generating an id fails.
struct Due {
    id: Option<String>,
    refusal: RefusalCount,
}

impl Due {
    fn named(&mut self, env: &Env) -> Result<(String, RefusalCount)> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.id.insert(env.new_id()?).clone(),
        };
        Ok((id, self.refusal.clone()))
    }
}

/// Which minutes to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Only minutes that are over.
    LastMinute,
    /// The current minute too, because the server no longer takes requests.
    Now,
}

impl Refusals {
    /// An empty collection.
    #[must_use]
    pub fn new(env: Env, metrics: Metrics) -> Self {
        Self(Arc::new(RefusalsInner {
            env,
            metrics,
            gathered: Mutex::default(),
            waiting: tokio::sync::Mutex::default(),
        }))
    }

    /// Records a refusal for this client (which may stand in for an API client), or for an account
    /// name.
    pub fn note(
        &self,
        barrier: Barrier,
        client: ClientIp,
        subject: Option<&LoginTarget>,
        source: &Source,
    ) {
        let RefusalsInner { env, metrics, .. } = &*self.0;
        let now = env.now();
        metrics.note_refusal(barrier, now);
        let minute = (now.millis().div_euclid(MINUTE), barrier);
        let mut gathered = self.gathered();
        let Gathered { minutes, seen } = &mut *gathered;
        if minutes.len() >= GATHERED && !minutes.contains_key(&minute) {
            give_up_oldest(minutes);
        }
        let counts = minutes.entry(minute).or_default();
        *seen += 1;
        let this = Who::This(client, subject.map(|target| target.text().to_owned()));
        if let Some(refusal) = counts.get_mut(&this) {
            refusal.count += 1;
        } else if counts.len() < APART {
            counts.insert(
                this,
                RefusalCount { order: *seen, ..RefusalCount::first(barrier, subject, source, now) },
            );
        } else {
            let no_source = Source::command_line();
            let others = || RefusalCount {
                order: *seen,
                count: 0,
                ..RefusalCount::first(barrier, None, &no_source, now)
            };
            counts.entry(Who::Others).or_insert_with(others).count += 1;
        }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is due, in the order in which it began.
    fn take(&self, until: Until) -> Vec<RefusalCount> {
        let this_minute = self.0.env.now().millis().div_euclid(MINUTE);
        let mut gathered = self.gathered();
        let mut due = Vec::new();
        gathered.minutes.retain(|(minute, _), counts| {
            let stays = until == Until::LastMinute && *minute >= this_minute;
            if !stays {
                due.extend(counts.drain().map(|(_, refusal)| refusal));
            }
            stays
        });
        due.sort_by_key(|refusal| refusal.order);
        due
    }
}

/// Drops the oldest minute to make space for a new one. Returns how many refusals are lost with it.
fn give_up_oldest(minutes: &mut Minutes) -> i64 {
    let oldest = minutes.pop_first().map(|(_, counts)| counts).unwrap_or_default();
    let refusals = oldest.values().map(|refusal| refusal.count).sum();
    tracing::error!(
        refusals,
        records = oldest.len(),
        "audit records of refused requests were dropped: too many minutes are not yet written"
    );
    refusals
}

impl RefusalCount {
    fn first(barrier: Barrier, subject: Option<&LoginTarget>, source: &Source, now: Time) -> Self {
        let event = Event::refused(What::LimitHit).because(barrier.as_str());
        let event = Event {
            account: subject.and_then(LoginTarget::account).cloned(),
            actor: subject.and_then(LoginTarget::actor).map(str::to_owned),
            ..event
        };
        Self { order: 0, first: now, count: 1, event, source: source.clone() }
    }
}

/// Writes what is due, each record with its count. Records that could not be written are tried
/// again at the next call.
pub async fn record(refusals: &Refusals, store: &Store, until: Until) -> Result<()> {
    let RefusalsInner { env, metrics, waiting, .. } = &*refusals.0;
    let mut waiting = waiting.lock().await;
    waiting.extend(refusals.take(until).into_iter().map(|refusal| Due { id: None, refusal }));
    let too_many = waiting.len().saturating_sub(WAITING);
    if too_many > 0 {
        tracing::error!(
            records = too_many,
            "audit records of refused requests were dropped: they could not be written"
        );
        waiting.drain(..too_many);
    }
    while !waiting.is_empty() {
        let piece =
            waiting.iter_mut().take(PIECE).map(|due| due.named(env)).collect::<Result<Vec<_>>>()?;
        let written = piece.clone();
        // If the outcome of an earlier write is unknown, its records may exist already. They keep
        // their ids, so they are not written twice.
        let write = move |db: &mut dyn Db| {
            piece.iter().try_for_each(|(id, RefusalCount { first, count, event, source, .. })| {
                store::tables::audit::insert_counted(db, id, *first, event, source, *count)
            })
        };
        store.write(write).await?;
        for (_, refusal) in &written {
            metrics.note_event(&refusal.event, refusal.first);
        }
        waiting.drain(..written.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{FixedRandom, HandClock, Random};
    use std::time::Duration;

    const ONE_MINUTE: Duration = Duration::from_mins(1);

    struct Nothing;

    impl Random for Nothing {
        fn fill(&self, _: &mut [u8]) -> Result<()> {
            Err(crate::error::Error::internal("no randomness"))
        }
    }

    fn world() -> (Arc<HandClock>, Refusals) {
        let clock = Arc::new(HandClock::at(Time::from_seconds(1_700_000_000)));
        let env = Env::new(clock.clone(), Arc::new(FixedRandom::default()));
        (clock, Refusals::new(env, Metrics::default()))
    }

    fn source(last: u32) -> Source {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + last);
        Source { address: Some(address.into()), ..Source::command_line() }
    }

    #[test]
    fn a_minute_that_goes_on_is_not_due_yet() {
        let (clock, refusals) = world();
        let note = || refusals.note(Barrier::Throttle, source(1).client(), None, &source(1));
        note();
        assert!(refusals.take(Until::LastMinute).is_empty());
        note();
        clock.advance(ONE_MINUTE);
        note();
        let due = refusals.take(Until::LastMinute);
        assert_eq!(due.iter().map(|refusal| refusal.count).collect::<Vec<_>>(), [2]);
        assert_eq!(refusals.take(Until::Now).len(), 1);
        assert!(refusals.take(Until::Now).is_empty());
    }

    #[test]
    fn what_can_have_no_id_yet_is_still_due() {
        let (clock, refusals) = world();
        refusals.note(Barrier::Throttle, source(1).client(), None, &source(1));
        let mut due: Vec<_> = refusals
            .take(Until::Now)
            .into_iter()
            .map(|refusal| Due { id: None, refusal })
            .collect();
        assert!(due[0].named(&Env::new(clock.clone(), Arc::new(Nothing))).is_err());
        let (id, refusal) =
            due[0].named(&Env::new(clock.clone(), Arc::new(FixedRandom::default()))).unwrap();
        assert_eq!(refusal.count, 1);
        let again = due[0].named(&Env::new(clock, Arc::new(Nothing))).unwrap();
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
        let (clock, refusals) = world();
        for last in 0..10_000 {
            refusals.note(Barrier::Throttle, source(last).client(), None, &source(last));
        }
        refusals.note(Barrier::Lockout, source(1).client(), None, &source(1));
        let due = refusals.take(Until::Now);
        assert_eq!(
            due.len(),
            APART + 2,
            "one flood does not displace the refusals of other limits"
        );
        assert_eq!(due.iter().map(|refusal| refusal.count).sum::<i64>(), 10_001);
        assert!(
            due.iter().any(|refusal| refusal.source.address.is_none() && refusal.count == 9_000)
        );
        for _ in 0..10 * GATHERED {
            clock.advance(ONE_MINUTE);
            refusals.note(Barrier::Throttle, source(1).client(), None, &source(1));
        }
        assert_eq!(refusals.take(Until::Now).len(), GATHERED);
    }
}
