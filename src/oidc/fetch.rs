//! Requests to providers, and the JSON that they answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::ProviderClient;
use super::failure::{ExchangeFailure, ExchangeStep};
use crate::config::is_encrypted;
use crate::model::{HttpUrl, Secret, percent};
use crate::outbound::{HttpRequest, HttpResponse, OutboundError, RequestLimits};

const LIMITS: RequestLimits = RequestLimits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(10),
    max_body: 256 * 1024,
};

/// A request to a provider.
pub(super) struct Fetch<'a> {
    pub(super) step: ExchangeStep,
    pub(super) url: &'a str,
    pub(super) authorization: Option<Secret>,
    /// Fields of a form to post; `None` for a GET.
    pub(super) form: Option<Secret>,
}

impl<'a> Fetch<'a> {
    pub(super) fn get(step: ExchangeStep, url: &'a str) -> Self {
        Self { step, url, authorization: None, form: None }
    }

    pub(super) fn bearing(self, token: &Secret) -> Self {
        let bearer = Secret::new(format!("Bearer {}", token.reveal()));
        Self { authorization: Some(bearer), ..self }
    }

    /// Everything secret that the request carries, and that an answer may repeat: codes, tokens, the
    /// verifier, the client's secret.
    fn secrets(&self) -> Vec<Secret> {
        let form = self.form.as_ref().map_or("", Secret::reveal);
        let fields = form.split('&').filter_map(|pair| pair.split_once('='));
        let fields = fields.filter(|(name, _)| !PUBLIC_FIELDS.contains(name));
        let mut secrets: Vec<_> = fields.map(|(_, value)| decoded(value)).collect();
        let authorization = self.authorization.as_ref().map_or("", Secret::reveal);
        match authorization.split_once(' ') {
            Some(("Basic", pair)) => {
                let pair = STANDARD.decode(pair).map(Zeroizing::new).unwrap_or_default();
                let pair = std::str::from_utf8(&pair).unwrap_or_default();
                secrets.extend(pair.split_once(':').map(|(_, secret)| decoded(secret)));
            }
            Some((_, token)) => secrets.push(Secret::new(token)),
            None => {}
        }
        secrets.retain(|secret| !secret.reveal().is_empty());
        secrets
    }
}

/// Fields of a form whose values may be logged.
const PUBLIC_FIELDS: [&str; 4] = ["grant_type", "client_id", "redirect_uri", "scope"];

fn decoded(value: &str) -> Secret {
    Secret::new(percent::decode(value).unwrap_or_else(|| value.to_owned()))
}

impl ProviderClient {
    /// Sends a request and reads the JSON of a 200.
    pub(super) async fn fetch(&self, fetch: Fetch<'_>) -> Result<Value, ExchangeFailure> {
        let step = fetch.step;
        let response = self.send(&fetch).await?;
        let status = response.status;
        let body = response.body.map_err(|error| unreachable(step, &error))?;
        let value = serde_json::from_slice::<Value>(&body).ok();
        let said = value.as_ref().and_then(Value::as_object).and_then(refusal);
        let said = said.map(|said| said.without(&fetch.secrets()));
        match (status, value, said) {
            (200, Some(value), None) => Ok(value),
            (_, _, Some(said)) if status < 500 => {
                let reason = format!("the provider answered {status}: {}", said.text);
                Err(ExchangeFailure::refused(step, reason).of_error(&said.error))
            }
            (200, None, _) => Err(ExchangeFailure::refused(step, "the answer is not JSON")),
            (500.., _, said) => {
                let said = said.map(|said| format!(": {}", said.text)).unwrap_or_default();
                let reason = format!("the provider answered {status}{said}");
                Err(ExchangeFailure::unreachable(step, reason))
            }
            _ => Err(ExchangeFailure::refused(step, format!("the provider answered {status}"))),
        }
    }

    async fn send(&self, fetch: &Fetch<'_>) -> Result<HttpResponse, ExchangeFailure> {
        let step = fetch.step;
        let url = HttpUrl::parse(fetch.url)
            .filter(is_encrypted)
            .ok_or_else(|| ExchangeFailure::refused(step, "the URL must use https"))?;
        let _slot = self.slots.take(&url.authority()).ok_or_else(|| {
            ExchangeFailure::unreachable(step, "too many requests to it at the same time")
        })?;
        let mut headers = vec![("accept".to_owned(), Secret::new("application/json"))];
        headers
            .extend(fetch.authorization.clone().map(|value| ("authorization".to_owned(), value)));
        if fetch.form.is_some() {
            let form = Secret::new("application/x-www-form-urlencoded");
            headers.push(("content-type".to_owned(), form));
        }
        let request = HttpRequest {
            method: if fetch.form.is_some() { "POST" } else { "GET" },
            url: &url,
            headers: &headers,
            body: fetch.form.as_ref().map_or(b"", |form| form.reveal().as_bytes()),
        };
        let sent = self.http().send(&request, LIMITS).await;
        sent.map_err(|error| unreachable(step, &error))
    }
}

fn unreachable(step: ExchangeStep, error: &OutboundError) -> ExchangeFailure {
    match error {
        OutboundError::NotAllowed => ExchangeFailure::not_allowed(step, error),
        OutboundError::HttpsRequired | OutboundError::TooLarge => {
            ExchangeFailure::refused(step, error.to_string())
        }
        _ => ExchangeFailure::unreachable(step, error),
    }
}

/// The error that a provider reports in its JSON.
struct ReportedError {
    error: String,
    /// With its description.
    text: String,
}

impl ReportedError {
    /// The same without these secrets, wherever a text repeats one.
    fn without(mut self, secrets: &[Secret]) -> Self {
        for text in [&mut self.error, &mut self.text] {
            for secret in secrets {
                *text = text.replace(secret.reveal(), "…");
            }
        }
        self
    }
}

/// The error in an answer, which some providers send with status 200.
fn refusal(answer: &Map<String, Value>) -> Option<ReportedError> {
    let error = match answer.get("error")? {
        Value::String(word) => word.clone(),
        Value::Object(inner) => inner.get("message")?.as_str()?.to_owned(),
        _ => return None,
    };
    let more = answer.get("error_description").and_then(Value::as_str);
    let text = more.map_or_else(|| error.clone(), |more| format!("{error}: {more}"));
    Some(ReportedError { error, text })
}
