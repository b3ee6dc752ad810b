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
use super::{Allowance, LimitStep, LimitVerdict};
use crate::config::Rate;
use crate::env::Env;
use crate::model::{ClientIp, Time};

/// One smooth limit, for all clients.
pub(super) struct Smooth {
    pub(super) rate: Rate,
    interval: Duration,
    /// The theoretical arrival time of each client's next call, since the limit started.
    pub(super) arrivals: Arc<Bounded<ClientIp, Nanos>>,
    governor: RateLimiter<Call, LimiterStore, SinceStart, StateInformationMiddleware>,
}

type Call = (ClientIp, LimitStep);

struct LimiterStore(Arc<Bounded<ClientIp, Nanos>>);

impl StateStore for LimiterStore {
    type Key = Call;

    fn measure_and_replace<T, F, E>(&self, (client, step): &Call, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.update(client, |arrival| match measure(arrival) {
            Ok((answer, next)) => (Ok(answer), (*step == LimitStep::Count).then_some(next)),
            Err(refusal) => (Err(refusal), None),
        })
    }
}

impl Ending for Nanos {
    fn end(self) -> u64 {
        self.as_u64()
    }
}

/// Our clock as governor reads it: the time since the limit started.
struct SinceStart(Env, Time);

impl GovernorClock for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().since(self.1)
    }
}

impl Smooth {
    /// Creates a limit that starts now; `None` for a rate that allows no calls.
    pub(super) fn new(rate: Rate, keys: usize, env: &Env) -> Option<Self> {
        let count = NonZeroU32::new(rate.count)?;
        let interval = (rate.window / rate.count).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval)?.allow_burst(count);
        let arrivals = Arc::new(Bounded::new(keys));
        let clock = SinceStart(env.clone(), env.now());
        let governor = RateLimiter::new(quota, LimiterStore(arrivals.clone()), clock);
        Some(Self { rate, interval, arrivals, governor })
    }

    /// Checks whether a call is allowed, and counts it if asked to.
    pub(super) fn ask(&self, client: ClientIp, step: LimitStep) -> LimitVerdict {
        let state = self.governor.check_key(&(client, step));
        let state = state.map_err(|until| until.wait_time_from(self.governor.clock().now()))?;
        // What is left after the call, even if it is only checked.
        let left = state.remaining_burst_capacity();
        let remaining =
            left.saturating_add(u32::from(step == LimitStep::Look)).min(self.rate.count);
        let reset = self.interval.saturating_mul(self.rate.count.saturating_sub(left));
        Ok(Allowance { remaining, reset })
    }

    /// Removes one counted call.
    pub(super) fn give_back(&self, client: ClientIp) {
        let interval = Nanos::from(self.interval);
        self.arrivals
            .update(&client, |arrival| ((), arrival.map(|at| at.saturating_sub(interval))));
    }

    /// Removes clients whose full burst is available again.
    pub(super) fn purge(&self) {
        self.arrivals.purge(Nanos::from(self.governor.clock().now()).as_u64());
    }
}
