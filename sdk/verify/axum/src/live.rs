//! Asks authd whether a session still exists. An answer is used for ten seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde::Deserialize;

use crate::fetch::Fetcher;
use crate::refusal::Refusal;

const KEPT: Duration = Duration::from_secs(10);
const MOST_KEPT: usize = 10_000;

/// An account as authd has it now.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LiveAccount {
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) email: Option<String>,
    pub(crate) username: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    data: LiveAccount,
}

/// An answer, which is used until the given time. `None` if the session has ended.
type Kept = (Instant, Option<LiveAccount>);

/// The answers for one server, by `jti`.
pub(crate) struct LiveCheck {
    url: String,
    fetcher: Arc<Fetcher>,
    kept: Mutex<HashMap<String, Kept>>,
}

impl LiveCheck {
    pub(crate) fn new(base: &str, fetcher: Arc<Fetcher>) -> Self {
        Self { url: format!("{base}/v1/users/me"), fetcher, kept: Mutex::default() }
    }

    /// The account behind a verified token as authd has it now. Refuses a token whose session has
    /// ended.
    pub(crate) async fn account(&self, token: &str, jti: &str) -> Result<LiveAccount, Refusal> {
        let now = self.fetcher.clock.now();
        if let Some(found) = self.find(jti, now) {
            return found;
        }
        let account = self.ask(token).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, (until, _)| now < *until);
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(jti.to_owned(), (now + KEPT, account.clone()));
        account.ok_or(Refusal::RevokedToken)
    }

    fn find(&self, jti: &str, now: Instant) -> Option<Result<LiveAccount, Refusal>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, account) = kept.get(jti).filter(|(until, _)| now < *until)?;
        Some(account.clone().ok_or(Refusal::RevokedToken))
    }

    async fn ask(&self, token: &str) -> Result<Option<LiveAccount>, Refusal> {
        let failure = match self.fetcher.get::<Envelope>(&self.url, Some(token)).await {
            Ok(answer) => match (answer.status, answer.body) {
                (_, Some(found)) => return Ok(Some(found.data)),
                (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => return Ok(None),
                (status, None) => format!("status {status}").into(),
            },
            Err(failure) => failure,
        };
        self.fetcher.report(&self.url, &failure);
        Err(Refusal::Unavailable)
    }
}
