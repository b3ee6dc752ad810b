//! JSON from authd, with limits on time and size.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;

use crate::clock::Clock;

const LONGEST_WAIT: Duration = Duration::from_secs(5);
const LARGEST_BODY: usize = 64 * 1024;
const REPORT_EVERY: Duration = Duration::from_secs(60);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Asks authd.
pub(crate) struct Fetcher {
    client: reqwest::Client,
    pub(crate) clock: Clock,
    silent_until: Mutex<HashMap<String, Instant>>,
}

/// An answer of authd.
pub(crate) struct Fetched<T> {
    pub(crate) status: StatusCode,
    pub(crate) cache_control: String,
    /// `None` unless the status is 200.
    pub(crate) body: Option<T>,
}

impl Fetcher {
    pub(crate) fn new(clock: Clock) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(LONGEST_WAIT)
            // A redirect would let another host answer: it counts as a failure.
            .redirect(Policy::none())
            .build()?;
        Ok(Self { client, clock, silent_until: Mutex::default() })
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        bearer: Option<&str>,
    ) -> Result<Fetched<T>, Failure> {
        let mut request = self.client.get(url).header(ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut response = request.send().await?;
        let status = response.status();
        let values = response.headers().get_all(CACHE_CONTROL).iter();
        let cache_control = values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
        let cache_control = cache_control.join(", ");
        if status != StatusCode::OK {
            return Ok(Fetched { status, cache_control, body: None });
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if bytes.len() + piece.len() > LARGEST_BODY {
                return Err(format!("more than {LARGEST_BODY} bytes from authd").into());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Fetched { status, cache_control, body: Some(serde_json::from_slice(&bytes)?) })
    }

    /// Logs a failure, at most once a minute for each URL.
    pub(crate) fn report(&self, url: &str, failure: &Failure) {
        let now = self.clock.now();
        let mut silent = self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        if silent.get(url).is_none_or(|until| now >= *until) {
            silent.insert(url.to_owned(), now + REPORT_EVERY);
            tracing::warn!(url, failure, "authd gave no answer");
        }
    }
}
