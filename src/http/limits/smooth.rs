//! Smooth limits: calls are spread evenly over the rate's window, with the full count as burst. The
//! arithmetic is governor's. The clock is ours because tests set it by hand, and the store is ours
//! because its memory must be bounded.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::bounded::{Bounded, Ending};
use super::{Allowance, LimitVerdict};
use crate::config::Rate;
use crate::env::Env;
use crate::model::{ClientIp, Time};

/// One smooth limit, for all clients.
pub(super) struct Smooth {
    rate: Rate,
    interval: Duration,
    origin: Time,
    arrivals: Arc<Arrivals>,
    governor: RateLimiter<Call, LimiterStore, Turned, StateInformationMiddleware>,
}

/// Whether a call is counted or only checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Call {
    Counted(ClientIp),
    Looked(ClientIp),
}

/// The theoretical arrival time of each client's next call, in nanoseconds since the limit started.
type Arrivals = Bounded<ClientIp, Arrival>;

#[derive(Clone, Copy)]
struct Arrival(u64);

impl Ending for Arrival {
    fn end(self) -> u64 {
        self.0
    }
}

struct LimiterStore(Arc<Arrivals>);

impl StateStore for LimiterStore {
    type Key = Call;

    fn measure_and_replace<T, F, E>(&self, call: &Call, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (Call::Counted(client) | Call::Looked(client)) = call;
        self.0.update(client, |arrival| match measure(arrival.map(|Arrival(at)| Nanos::new(at))) {
            Ok((answer, next)) => {
                let counted = matches!(call, Call::Counted(_)).then(|| Arrival(next.as_u64()));
                (Ok(answer), counted)
            }
            Err(refusal) => (Err(refusal), None),
        })
    }
}

/// Adapts our clock to governor: the time since the limit started.
struct Turned {
    env: Env,
    origin: Time,
}

impl GovernorClock for Turned {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.env.now().since(self.origin)
    }
}

impl Smooth {
    /// Creates a limit that starts now; `None` for a rate that allows no calls.
    pub(super) fn new(rate: Rate, keys: usize, env: &Env) -> Option<Self> {
        let count = NonZeroU32::new(rate.count)?;
        let interval = (rate.window / rate.count).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval)?.allow_burst(count);
        let arrivals = Arc::new(Arrivals::new(keys));
        let origin = env.now();
        let governor = RateLimiter::new(
            quota,
            LimiterStore(arrivals.clone()),
            Turned { env: env.clone(), origin },
        );
        Some(Self { rate, interval, origin, arrivals, governor })
    }

    /// The configured rate.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts a call if the limit allows it.
    pub(super) fn count(&self, client: ClientIp) -> LimitVerdict {
        self.ask(Call::Counted(client))
    }

    /// Checks whether a call would be allowed, without counting it.
    pub(super) fn look(&self, client: ClientIp) -> LimitVerdict {
        let verdict = self.ask(Call::Looked(client));
        verdict.map(|room| Allowance {
            remaining: room.remaining.saturating_add(1).min(self.rate.count),
            ..room
        })
    }

    /// Removes one counted call.
    pub(super) fn give_back(&self, client: ClientIp) {
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        self.arrivals.update(&client, |arrival| {
            ((), arrival.map(|Arrival(at)| Arrival(at.saturating_sub(interval))))
        });
    }

    /// Removes clients whose full burst is available again.
    pub(super) fn purge(&self) {
        let now = self.governor.clock().now();
        self.arrivals.purge(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The number of clients with a counter.
    pub(super) fn len(&self) -> usize {
        self.arrivals.len()
    }

    fn ask(&self, call: Call) -> LimitVerdict {
        match self.governor.check_key(&call) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = self.rate.count.saturating_sub(remaining);
                Ok(Allowance { remaining, reset: self.interval.saturating_mul(used) })
            }
            Err(until) => {
                Err(until.wait_time_from(self.governor.clock().env.now().since(self.origin)))
            }
        }
    }
}
