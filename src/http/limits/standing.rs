//! What a client has left, and how handlers and boundary tell each other about it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use poem::http::{HeaderMap, HeaderName, HeaderValue};

use super::{Bucket, Limiter};
use crate::error::{Error, Limit, Result};
use crate::identity::refusals::Refusals;
use crate::model::{Barrier, Client, Source, Time};

/// What a client has left of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which limit.
    pub limit: Limit,
    /// How many calls it allows.
    pub allowed: u32,
    /// How many are left.
    pub remaining: u32,
    /// When all of them are there again.
    pub reset_at: Time,
}

/// The standings that one request has met; the boundary writes the headers from them.
#[derive(Debug, Default)]
pub struct Standings(Mutex<Vec<Standing>>);

impl Standings {
    /// Notes one.
    pub fn note(&self, standing: Standing) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(standing);
    }

    /// The one nearest to its end.
    #[must_use]
    pub fn nearest(&self) -> Option<Standing> {
        let standings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        standings.iter().copied().min_by_key(|standing| (standing.remaining, std::cmp::Reverse(standing.reset_at)))
    }

    /// Writes `X-RateLimit-Limit`, `-Remaining` and `-Reset`.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Some(standing) = self.nearest() else { return };
        let reset = (standing.reset_at + Duration::from_millis(999)).seconds();
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(standing.allowed));
        headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(standing.remaining));
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset));
    }
}

/// A request's own view of the limits: handlers find it among the request's data and count their calls with it. Clones
/// are the same meter.
#[derive(Clone)]
pub struct Meter(Arc<Counting>);

struct Counting {
    limiter: Limiter,
    refusals: Refusals,
    source: Source,
    client: Client,
    standings: Standings,
}

impl Meter {
    /// For a request from there; what is refused is noted.
    #[must_use]
    pub fn new(limiter: Limiter, refusals: Refusals, source: Source) -> Self {
        let client = source.client();
        Self(Arc::new(Counting { limiter, refusals, client, source, standings: Standings::default() }))
    }

    /// Who stands behind the request.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The same request, counted for an account and not for its client address. What is left there is told to nobody:
    /// it would say what others do with the account.
    #[must_use]
    pub fn counting_for(&self, client: Client) -> Self {
        let Counting { limiter, refusals, source, .. } = &*self.0;
        let (limiter, refusals, source) = (limiter.clone(), refusals.clone(), source.clone());
        Self(Arc::new(Counting { limiter, refusals, client, source, standings: Standings::default() }))
    }

    /// Counts this call under a limit.
    ///
    /// # Errors
    /// `TooMany` when the limit is used up.
    pub fn count(&self, limit: Limit) -> Result<()> {
        self.note(Bucket::Named(limit), self.0.limiter.check(limit, self.0.client))
    }

    /// Counts this call under the wider general limit of valid tokens.
    ///
    /// # Errors
    /// `TooMany` when the limit is used up.
    pub fn count_with_token(&self) -> Result<()> {
        self.note(Bucket::WithToken, self.0.limiter.check_with_token(self.0.client))
    }

    /// Refuses when a limit is used up, without counting: the first half of a limit that counts failures only.
    ///
    /// # Errors
    /// `TooMany` when the limit is used up.
    pub fn peek(&self, limit: Limit) -> Result<()> {
        self.note(Bucket::Named(limit), self.0.limiter.peek(limit, self.0.client))
    }

    /// Counts a failure and says what to answer: the failure itself, or that there were too many at once.
    #[must_use]
    pub fn count_failure(&self, limit: Limit, failure: Error) -> Error {
        self.count(limit).err().unwrap_or(failure)
    }

    /// Takes the count of a reset back where the password only broke a rule: whoever holds the link or the code may try the
    /// next one. Gives back what to answer.
    #[must_use]
    pub fn reset_failed(&self, limit: Limit, failure: Error) -> Error {
        if !failure.fields().is_empty() {
            self.give_back(limit);
        }
        failure
    }

    /// Takes a counted call back.
    pub fn give_back(&self, limit: Limit) {
        self.0.limiter.give_back(limit, self.0.client);
    }

    /// What this request has met so far.
    #[must_use]
    pub fn standings(&self) -> &Standings {
        &self.0.standings
    }

    fn note(&self, bucket: Bucket, answer: Result<Option<Standing>>) -> Result<()> {
        let Counting { limiter, refusals, source, client, standings } = &*self.0;
        let standing = match &answer {
            Ok(standing) => *standing,
            Err(refusal) => {
                refusals.note(Barrier::Calls(bucket.limit()), *client, None, source);
                limiter.exhausted(bucket, refusal.retry_delay().unwrap_or_default())
            }
        };
        if let Some(standing) = standing {
            standings.note(standing);
        }
        answer.map(|_| ())
    }
}
