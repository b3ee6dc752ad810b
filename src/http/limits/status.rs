//! Rate-limit status of one request, shared by handlers and boundary.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use poem::http::{HeaderMap, HeaderName, HeaderValue};

use super::{Bucket, Limiter};
use crate::env::Later;
use crate::error::{Kind, Limit, Result};
use crate::identity::access::counted::CallCounter;
use crate::identity::audit::refusals::Refusals;
use crate::model::{Barrier, ClientIp, Source, Time};

/// The state of one limit for one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitStatus {
    pub limit: Limit,
    /// How many calls the limit allows.
    pub allowed: u32,
    /// How many calls are left.
    pub remaining: u32,
    /// When all calls are available again.
    pub reset_at: Time,
}

/// The statuses of all limits that one request was checked against. The boundary writes the
/// rate-limit headers from them.
#[derive(Debug, Default)]
pub struct LimitStatuses(Mutex<Vec<LimitStatus>>);

impl LimitStatuses {
    /// Records a status.
    pub fn note(&self, status: LimitStatus) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(status);
    }

    /// Replaces the statuses of a limit.
    fn replace(&self, limit: Limit, status: Option<LimitStatus>) {
        let mut statuses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.retain(|one| one.limit != limit);
        statuses.extend(status);
    }

    /// The status with the fewest calls left.
    #[must_use]
    pub fn nearest(&self) -> Option<LimitStatus> {
        let statuses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        statuses
            .iter()
            .copied()
            .min_by_key(|status| (status.remaining, std::cmp::Reverse(status.reset_at)))
    }

    /// Writes `X-RateLimit-Limit`, `-Remaining` and `-Reset`.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Some(status) = self.nearest() else { return };
        let reset = (status.reset_at + Duration::from_millis(999)).seconds();
        headers.insert(
            HeaderName::from_static("x-ratelimit-limit"),
            HeaderValue::from(status.allowed),
        );
        headers.insert(
            HeaderName::from_static("x-ratelimit-remaining"),
            HeaderValue::from(status.remaining),
        );
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset));
    }
}

/// A request's view of the limits. The boundary stores it in the request, and handlers count calls
/// with it. Clones share their state.
#[derive(Clone)]
pub struct Meter(Arc<PendingCharge>);

struct PendingCharge {
    limiter: Limiter,
    refusals: Refusals,
    source: Source,
    client: ClientIp,
    statuses: LimitStatuses,
}

impl Meter {
    /// Creates the meter of a request from this source. Refusals are recorded in `refusals`.
    #[must_use]
    pub fn new(limiter: Limiter, refusals: Refusals, source: Source) -> Self {
        let client = source.client();
        Self(Arc::new(PendingCharge {
            limiter,
            refusals,
            client,
            source,
            statuses: LimitStatuses::default(),
        }))
    }

    /// The client that sent the request.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The same request, counted by account instead of by client IP. The new meter has its own
    /// statuses, so the headers never show what is left for the account: that would reveal what
    /// other callers do with it.
    #[must_use]
    pub fn counting_for(&self, client: ClientIp) -> Self {
        let PendingCharge { limiter, refusals, source, .. } = &*self.0;
        let (limiter, refusals, source) = (limiter.clone(), refusals.clone(), source.clone());
        Self(Arc::new(PendingCharge {
            limiter,
            refusals,
            client,
            source,
            statuses: LimitStatuses::default(),
        }))
    }

    /// Counts this call against a limit.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn count(&self, limit: Limit) -> Result<()> {
        self.0.note(Bucket::Named(limit), self.0.limiter.check(limit, self.0.client).await)
    }

    /// The counter of this call, for the core.
    #[must_use]
    pub fn counter(&self) -> Arc<dyn CallCounter> {
        self.0.clone()
    }

    /// Counts this call against the higher general limit for valid tokens.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn count_with_token(&self) -> Result<()> {
        self.0.note(Bucket::WithToken, self.0.limiter.check_with_token(self.0.client).await)
    }

    /// The statuses of the limits checked so far.
    #[must_use]
    pub fn statuses(&self) -> &LimitStatuses {
        &self.0.statuses
    }
}

impl CallCounter for PendingCharge {
    fn count(&self, limit: Limit) -> Later<'_, Result<()>> {
        Box::pin(async move {
            self.note(Bucket::Named(limit), self.limiter.check(limit, self.client).await)
        })
    }

    fn peek(&self, limit: Limit) -> Later<'_, Result<()>> {
        Box::pin(async move {
            self.note(Bucket::Named(limit), self.limiter.peek(limit, self.client).await)
        })
    }

    fn give_back(&self, limit: Limit) -> Later<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.limiter.give_back(limit, self.client).await {
                tracing::warn!(error = error.chain(), "a call stays counted that should not");
            }
            if let Ok(status) = self.limiter.peek(limit, self.client).await {
                self.statuses.replace(limit, status);
            }
        })
    }
}

impl PendingCharge {
    fn note(&self, bucket: Bucket, answer: Result<Option<LimitStatus>>) -> Result<()> {
        let PendingCharge { limiter, refusals, source, client, statuses } = self;
        let status = match &answer {
            Ok(status) => *status,
            Err(error) if !matches!(error.kind(), Kind::TooMany(_)) => None,
            Err(refusal) => {
                refusals.note(Barrier::Calls(bucket.limit()), *client, None, source);
                limiter.exhausted(bucket, refusal.retry_delay().unwrap_or_default())
            }
        };
        if let Some(status) = status {
            statuses.note(status);
        }
        answer.map(|_| ())
    }
}
