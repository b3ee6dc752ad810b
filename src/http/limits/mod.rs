//! Rate limits per client IP: one bucket per limit and client, exact under concurrency, bounded in
//! memory. A server that is alone counts in its memory; several that share a database count together
//! (see `shared`).
//!
//! This module counts calls and reports what is left. Boundary and handlers decide which call
//! counts against which limit. Delays after wrong passwords belong to accounts: see
//! `identity::login::guard`.

mod bounded;
mod handshakes;
mod shared;
mod smooth;
mod status;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::http) use handshakes::HandshakeLimit;
use shared::SharedLimits;
use smooth::Smooth;
pub use status::{LimitStatus, LimitStatuses, Meter};
use window::Windows;

use crate::config::{Limits, Rate, Shape};
use crate::env::Env;
use crate::error::{Error, Kind, Limit, Result};
use crate::identity::access::shared_counts::SharedCounts;
use crate::model::ClientIp;

/// Maximum number of keys of fixed windows; about 20 MiB when a flood fills them.
const WINDOW_KEYS: usize = 450_000;
/// Maximum number of keys of each smooth limit.
const SMOOTH_KEYS: usize = 200_000;

/// Counts calls. Clones share their counters.
#[derive(Clone)]
pub struct Limiter(Arc<LimitsInner>);

struct LimitsInner {
    env: Env,
    limits: Limits,
    smooth: BTreeMap<Bucket, Arc<Smooth>>,
    windows: Arc<Windows<(Bucket, ClientIp)>>,
    /// What counts instead of `windows`, and in parts, where several servers share the database.
    shared: Option<Arc<SharedLimits>>,
}

/// The counters of a limit. Calls with a valid token have separate counters for the general limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Bucket {
    Named(Limit),
    WithToken,
}

impl Bucket {
    fn all() -> impl Iterator<Item = Bucket> {
        Limit::ALL.into_iter().map(Bucket::Named).chain([Bucket::WithToken])
    }

    fn limit(self) -> Limit {
        match self {
            Bucket::Named(limit) => limit,
            Bucket::WithToken => Limit::General,
        }
    }

    /// The name under which servers count together.
    fn name(self) -> &'static str {
        match self {
            Bucket::Named(limit) => limit.as_str(),
            Bucket::WithToken => "with_token",
        }
    }
}

/// The result of a check: what is left, or how long to wait.
type LimitVerdict = Result<Allowance, Duration>;

struct Allowance {
    remaining: u32,
    reset: Duration,
}

impl Limiter {
    /// Creates a limiter with no calls counted.
    #[must_use]
    pub fn new(limits: Limits, env: Env) -> Self {
        Self::sharing(limits, env, None)
    }

    /// Creates a limiter that counts together with other servers, if there are counters for that.
    #[must_use]
    pub fn sharing(limits: Limits, env: Env, counts: Option<SharedCounts>) -> Self {
        let smooth = smooth_limits(&limits, &env, &BTreeMap::new(), |rate| rate);
        let shared = counts.map(|counts| Arc::new(SharedLimits::new(counts, WINDOW_KEYS)));
        let windows = Arc::new(Windows::new(WINDOW_KEYS));
        Self(Arc::new(LimitsInner { env, limits, smooth, windows, shared }))
    }

    /// Applies new limits and keeps the counters; a smooth limit whose rate changed starts from
    /// zero.
    #[must_use]
    pub fn under(&self, limits: Limits) -> Self {
        let LimitsInner { env, smooth, windows, shared, .. } = &*self.0;
        if let Some(shared) = shared {
            shared.forget_parts();
        }
        let smooth = smooth_limits(&limits, env, smooth, |rate| rate);
        let (env, windows, shared) = (env.clone(), windows.clone(), shared.clone());
        Self(Arc::new(LimitsInner { env, limits, smooth, windows, shared }))
    }

    /// Counts one call; `None` if the limit is disabled.
    ///
    /// # Errors
    /// [`Kind::TooMany`] with the time to wait if the limit is used up; such a call is not counted.
    pub async fn check(&self, limit: Limit, client: ClientIp) -> Result<Option<LimitStatus>> {
        self.ask(Bucket::Named(limit), client, LimitStep::Count).await
    }

    /// Counts one call with a valid token against the higher general limit.
    ///
    /// # Errors
    /// See [`Limiter::check`].
    pub async fn check_with_token(&self, client: ClientIp) -> Result<Option<LimitStatus>> {
        self.ask(Bucket::WithToken, client, LimitStep::Count).await
    }

    /// Checks whether a call would be allowed, without counting it.
    ///
    /// # Errors
    /// See [`Limiter::check`].
    pub async fn peek(&self, limit: Limit, client: ClientIp) -> Result<Option<LimitStatus>> {
        self.ask(Bucket::Named(limit), client, LimitStep::Look).await
    }

    /// Removes one counted call.
    ///
    /// # Errors
    /// `Unavailable` if the limit is shared and the database does not answer: the call stays counted.
    pub async fn give_back(&self, limit: Limit, client: ClientIp) -> Result<()> {
        let LimitsInner { env, limits, windows, shared, .. } = &*self.0;
        let bucket = Bucket::Named(limit);
        let Some(rate) = rate_of(limits, bucket) else { return Ok(()) };
        if self.0.with_smooth(bucket, |smooth| smooth.give_back(client)).is_some() {
            return Ok(());
        }
        if let Some(shared) = shared {
            return shared.give_back((bucket, client), env.now()).await;
        }
        windows.give_back(&(bucket, client), rate, env.now());
        Ok(())
    }

    /// Removes expired counters. To be called about once a minute.
    pub fn purge(&self) {
        self.0.windows.purge(self.0.env.now());
        if let Some(shared) = &self.0.shared {
            shared.purge(self.0.env.now());
        }
        self.0.smooth.values().for_each(|smooth| smooth.purge());
    }

    /// Removes all counters.
    pub fn clear(&self) {
        self.0.windows.clear();
        if let Some(shared) = &self.0.shared {
            shared.clear();
        }
        self.0.smooth.values().for_each(|smooth| smooth.arrivals.clear());
    }

    /// The number of counters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.windows.len()
            + self.0.shared.as_ref().map_or(0, |shared| shared.len())
            + self.0.smooth.values().map(|smooth| smooth.arrivals.len()).sum::<usize>()
    }

    /// Whether there are no counters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn ask(
        &self,
        bucket: Bucket,
        client: ClientIp,
        step: LimitStep,
    ) -> Result<Option<LimitStatus>> {
        let LimitsInner { env, limits, windows, shared, .. } = &*self.0;
        let Some(rate) = rate_of(limits, bucket) else { return Ok(None) };
        let asked = self.0.with_smooth(bucket, |smooth| (smooth.rate, smooth.ask(client, step)));
        let (rate, verdict) = match (asked, shared) {
            (Some(asked), _) => asked,
            (None, None) => (rate, windows.ask(&(bucket, client), step, rate, env.now())),
            (None, Some(shared)) => {
                (rate, shared.ask((bucket, client), step, rate, env.now()).await?)
            }
        };
        let limit = bucket.limit();
        match verdict {
            Ok(Allowance { remaining, reset }) => Ok(Some(LimitStatus {
                limit,
                allowed: rate.count,
                remaining,
                reset_at: env.wall() + reset,
            })),
            Err(wait) => {
                Err(Error::with(Kind::TooMany(limit), sentence(limit, wait)).retry_after(wait))
            }
        }
    }

    /// The status that a refusal shows in the headers.
    fn exhausted(&self, bucket: Bucket, wait: Duration) -> Option<LimitStatus> {
        let rate = rate_of(&self.0.limits, bucket)?;
        let reset_at = self.0.env.wall() + wait;
        Some(LimitStatus { limit: bucket.limit(), allowed: rate.count, remaining: 0, reset_at })
    }
}

impl LimitsInner {
    /// Uses this server's part of a smooth limit; `None` if the limit is none.
    fn with_smooth<T>(&self, bucket: Bucket, work: impl FnOnce(&Smooth) -> T) -> Option<T> {
        if let Some(shared) = &self.shared {
            let servers = shared.servers();
            if servers > 1 {
                let part = shared.part_of(bucket, servers, &self.limits, &self.env);
                return part.map(|part| work(&part));
            }
        }
        self.smooth.get(&bucket).map(|smooth| work(smooth))
    }
}

/// The smooth ones among the limits, each with the rate that `part` makes of its own. One that was there
/// with the same rate keeps its counters.
fn smooth_limits(
    limits: &Limits,
    env: &Env,
    old: &BTreeMap<Bucket, Arc<Smooth>>,
    part: impl Fn(Rate) -> Rate,
) -> BTreeMap<Bucket, Arc<Smooth>> {
    let mut smooth = BTreeMap::new();
    for bucket in Bucket::all() {
        let rate = rate_of(limits, bucket).filter(|rate| rate.shape == Shape::Smooth);
        let Some(rate) = rate.map(&part) else { continue };
        let kept = old.get(&bucket).filter(|old| old.rate == rate).cloned();
        if let Some(limit) = kept.or_else(|| Smooth::new(rate, SMOOTH_KEYS, env).map(Arc::new)) {
            smooth.insert(bucket, limit);
        }
    }
    smooth
}

/// Whether a call is counted or only checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum LimitStep {
    Count,
    Look,
}

fn rate_of(limits: &Limits, bucket: Bucket) -> Option<Rate> {
    let rate = limits.rate(bucket.limit())?;
    match bucket {
        Bucket::Named(_) => Some(rate),
        Bucket::WithToken => {
            Some(Rate { count: rate.count.saturating_mul(limits.token_factor.max(1)), ..rate })
        }
    }
}

/// The message for a refused caller: the wait in words, rounded up.
#[must_use]
pub fn sentence(limit: Limit, wait: Duration) -> String {
    let what = match limit {
        Limit::SignUp => "registration attempts",
        Limit::Factor
        | Limit::Reauthenticate
        | Limit::ChangePassword
        | Limit::ResetCode
        | Limit::Code => "verification attempts",
        _ => "requests",
    };
    let minutes = wait.as_millis().div_ceil(60_000).max(1);
    let (count, unit) =
        if minutes < 60 { (minutes, "minute") } else { (minutes.div_ceil(60), "hour") };
    let plural = if count == 1 { "" } else { "s" };
    format!("Too many {what}. Try again in {count} {unit}{plural}.")
}

#[cfg(test)]
mod tests;
