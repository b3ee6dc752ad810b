//! Rate limits per client IP: one bucket per limit and client, exact under concurrency, bounded in
//! memory.
//!
//! This module counts calls and reports what is left. Boundary and handlers decide which call
//! counts against which limit. Delays after wrong passwords belong to accounts: see
//! `identity::guard`.

mod bounded;
mod smooth;
mod status;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smooth::Smooth;
pub use status::{LimitStatus, LimitStatuses, Meter};
use window::Windows;

use crate::config::{Limits, Rate, Shape};
use crate::env::Env;
use crate::error::{Error, Kind, Limit, Result};
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
        Self::build(limits, env, &BTreeMap::new(), Arc::new(Windows::new(WINDOW_KEYS)))
    }

    /// Applies new limits and keeps the counters; a smooth limit whose rate changed starts from
    /// zero.
    #[must_use]
    pub fn under(&self, limits: Limits) -> Self {
        let old = &self.0;
        Self::build(limits, old.env.clone(), &old.smooth, old.windows.clone())
    }

    fn build(
        limits: Limits,
        env: Env,
        old: &BTreeMap<Bucket, Arc<Smooth>>,
        windows: Arc<Windows<(Bucket, ClientIp)>>,
    ) -> Self {
        let mut smooth = BTreeMap::new();
        for bucket in Bucket::all() {
            let rate = rate_of(&limits, bucket).filter(|rate| rate.shape == Shape::Smooth);
            let Some(rate) = rate else { continue };
            let kept = old.get(&bucket).filter(|old| old.rate == rate).cloned();
            if let Some(limit) = kept.or_else(|| Smooth::new(rate, SMOOTH_KEYS, &env).map(Arc::new))
            {
                smooth.insert(bucket, limit);
            }
        }
        Self(Arc::new(LimitsInner { env, limits, smooth, windows }))
    }

    /// Counts one call; `None` if the limit is disabled.
    ///
    /// # Errors
    /// [`Kind::TooMany`] with the time to wait if the limit is used up; such a call is not counted.
    pub fn check(&self, limit: Limit, client: ClientIp) -> Result<Option<LimitStatus>> {
        self.ask(Bucket::Named(limit), client, LimitStep::Count)
    }

    /// Counts one call with a valid token against the higher general limit.
    ///
    /// # Errors
    /// See [`Limiter::check`].
    pub fn check_with_token(&self, client: ClientIp) -> Result<Option<LimitStatus>> {
        self.ask(Bucket::WithToken, client, LimitStep::Count)
    }

    /// Checks whether a call would be allowed, without counting it.
    ///
    /// # Errors
    /// See [`Limiter::check`].
    pub fn peek(&self, limit: Limit, client: ClientIp) -> Result<Option<LimitStatus>> {
        self.ask(Bucket::Named(limit), client, LimitStep::Look)
    }

    /// Removes one counted call.
    pub fn give_back(&self, limit: Limit, client: ClientIp) {
        let bucket = Bucket::Named(limit);
        let Some(rate) = rate_of(&self.0.limits, bucket) else { return };
        match self.0.smooth.get(&bucket) {
            Some(smooth) => smooth.give_back(client),
            None => self.0.windows.give_back(&(bucket, client), rate, self.0.env.now()),
        }
    }

    /// Removes expired counters. To be called about once a minute.
    pub fn purge(&self) {
        self.0.windows.purge(self.0.env.now());
        self.0.smooth.values().for_each(|smooth| smooth.purge());
    }

    /// Removes all counters.
    pub fn clear(&self) {
        self.0.windows.clear();
        self.0.smooth.values().for_each(|smooth| smooth.arrivals.clear());
    }

    /// The number of counters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.windows.len()
            + self.0.smooth.values().map(|smooth| smooth.arrivals.len()).sum::<usize>()
    }

    /// Whether there are no counters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn ask(
        &self,
        bucket: Bucket,
        client: ClientIp,
        step: LimitStep,
    ) -> Result<Option<LimitStatus>> {
        let LimitsInner { env, limits, smooth, windows } = &*self.0;
        let Some(rate) = rate_of(limits, bucket) else { return Ok(None) };
        let verdict = match smooth.get(&bucket) {
            Some(smooth) => smooth.ask(client, step),
            None => windows.ask(&(bucket, client), step, rate, env.now()),
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
