//! Limits that several servers share through their database.
//!
//! A fixed window of up to twenty calls is counted in the database call by call, so it is exact however
//! the calls are spread over the servers. Of a larger one a server takes a tenth at once and admits those
//! calls by itself: never more than the limit in all, but a client may be refused while other servers
//! still hold parts of a tenth for it. Smooth limits are divided by the number of servers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bounded::{Bounded, Ending};
use super::smooth::Smooth;
use super::{Allowance, Bucket, LimitStep, LimitVerdict, smooth_limits};
use crate::config::{Limits, Rate};
use crate::env::Env;
use crate::error::Result;
use crate::identity::access::shared_counts::{CallCount, CallWindow, SharedCounts};
use crate::model::{ClientIp, Time};

/// The largest limit whose calls are counted one by one.
const EXACT: u32 = 20;
/// How long a server believes that a larger limit is used up without asking again.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// How many calls a server takes at once.
pub(super) fn portion(count: u32) -> u32 {
    if count <= EXACT { 1 } else { count.div_ceil(10) }
}

/// The counters that this server shares with others.
pub(super) struct SharedLimits {
    counts: SharedCounts,
    leases: Bounded<(Bucket, ClientIp), Lease>,
    divided: Mutex<DividedLimits>,
}

/// What this server may admit of a window by itself.
#[derive(Clone, Copy)]
struct Lease {
    ends: Time,
    left: u32,
    /// The calls that all servers had taken when this one last asked.
    count: u32,
    /// Until when the window is taken for used up.
    refused_until: Time,
}

impl Ending for Lease {
    fn end(self) -> u64 {
        u64::try_from(self.ends.millis()).unwrap_or(0)
    }
}

/// The smooth limits among this many servers.
#[derive(Default)]
struct DividedLimits {
    servers: u32,
    smooth: BTreeMap<Bucket, Arc<Smooth>>,
}

impl SharedLimits {
    pub(super) fn new(counts: SharedCounts, keys: usize) -> Self {
        Self { counts, leases: Bounded::new(keys), divided: Mutex::default() }
    }

    /// How many servers share the limits.
    pub(super) fn servers(&self) -> u32 {
        self.counts.servers()
    }

    /// This server's part of a smooth limit among several servers. When their number changes, all
    /// clients have a full burst again.
    pub(super) fn part_of(
        &self,
        bucket: Bucket,
        servers: u32,
        limits: &Limits,
        env: &Env,
    ) -> Option<Arc<Smooth>> {
        let mut divided = self.divided.lock().unwrap_or_else(PoisonError::into_inner);
        if divided.servers != servers {
            let part = |rate: Rate| Rate { count: (rate.count / servers).max(1), ..rate };
            *divided = DividedLimits {
                servers,
                smooth: smooth_limits(limits, env, &BTreeMap::new(), part),
            };
        }
        divided.smooth.get(&bucket).cloned()
    }

    /// Makes the divided limits again from new settings.
    pub(super) fn forget_parts(&self) {
        *self.divided.lock().unwrap_or_else(PoisonError::into_inner) = DividedLimits::default();
    }

    /// Checks whether a window allows a call, and counts it if asked to.
    pub(super) async fn ask(
        &self,
        (bucket, client): (Bucket, ClientIp),
        step: LimitStep,
        rate: Rate,
        now: Time,
    ) -> Result<LimitVerdict> {
        let key = (bucket, client);
        if let Some(verdict) = self.ask_lease(&key, step, rate, now) {
            return Ok(verdict);
        }
        if step == LimitStep::Look {
            let found = self.counts.peek(bucket.name(), client, now).await?;
            return Ok(found
                .map_or(Ok(Allowance { remaining: rate.count, reset: rate.window }), |found| {
                    verdict(rate, found, 0, now)
                }));
        }
        let wanted = portion(rate.count);
        let window =
            CallWindow { most: rate.count.into(), wanted: wanted.into(), length: rate.window };
        let taken = self.counts.take(bucket.name(), client, window, now).await?;
        if wanted > 1 {
            self.keep(&key, taken, now);
        }
        let left = u32::try_from(taken.granted).unwrap_or(0).saturating_sub(1);
        if taken.granted == 0 {
            return Ok(Err(taken.ends.since(now)));
        }
        Ok(Ok(Allowance { remaining: rest(rate, taken, left), reset: taken.ends.since(now) }))
    }

    /// Takes a counted call back.
    pub(super) async fn give_back(
        &self,
        (bucket, client): (Bucket, ClientIp),
        now: Time,
    ) -> Result<()> {
        let is_kept = self.leases.update(&(bucket, client), |lease| {
            let lease = lease.filter(|lease| now < lease.ends);
            let more = lease.map(|lease| Lease { left: lease.left.saturating_add(1), ..lease });
            (more.is_some(), more)
        });
        if is_kept { Ok(()) } else { self.counts.give_back(bucket.name(), client, now).await }
    }

    pub(super) fn purge(&self, now: Time) {
        self.leases.purge(u64::try_from(now.millis()).unwrap_or(0));
        let divided = self.divided.lock().unwrap_or_else(PoisonError::into_inner);
        divided.smooth.values().for_each(|smooth| smooth.purge());
    }

    pub(super) fn clear(&self) {
        self.leases.clear();
        self.forget_parts();
    }

    pub(super) fn len(&self) -> usize {
        self.leases.len()
    }

    /// The verdict without asking the others; `None` if they must be asked.
    fn ask_lease(
        &self,
        key: &(Bucket, ClientIp),
        step: LimitStep,
        rate: Rate,
        now: Time,
    ) -> Option<LimitVerdict> {
        if portion(rate.count) == 1 {
            return None;
        }
        self.leases.update(key, |lease| {
            let Some(lease) = lease.filter(|lease| now < lease.ends) else { return (None, None) };
            if lease.left == 0 {
                let refused = (now < lease.refused_until).then(|| Err(lease.ends.since(now)));
                return (refused, None);
            }
            let left = lease.left - u32::from(step == LimitStep::Count);
            let remaining = rate.count.saturating_sub(lease.count).saturating_add(left);
            let allowed = Ok(Allowance { remaining, reset: lease.ends.since(now) });
            (Some(allowed), (step == LimitStep::Count).then_some(Lease { left, ..lease }))
        })
    }

    /// Keeps what was taken beyond the call that is made now.
    fn keep(&self, key: &(Bucket, ClientIp), taken: CallCount, now: Time) {
        let more = u32::try_from(taken.granted).unwrap_or(0).saturating_sub(1);
        let count = u32::try_from(taken.count).unwrap_or(u32::MAX);
        let refused_until = if taken.granted == 0 { now + REFUSED_FOR } else { now };
        self.leases.update(key, |lease| {
            let left = lease.filter(|lease| lease.ends == taken.ends).map_or(0, |lease| lease.left);
            let left = left.saturating_add(more);
            ((), Some(Lease { ends: taken.ends, left, count, refused_until }))
        });
    }
}

fn verdict(rate: Rate, found: CallCount, left: u32, now: Time) -> LimitVerdict {
    let wait = found.ends.since(now);
    match rest(rate, found, left) {
        0 => Err(wait),
        remaining => Ok(Allowance { remaining, reset: wait }),
    }
}

/// How many calls are left in the window, with those that this server holds.
fn rest(rate: Rate, found: CallCount, left: u32) -> u32 {
    let count = u32::try_from(found.count).unwrap_or(u32::MAX);
    rate.count.saturating_sub(count).saturating_add(left)
}
