//! Exports the spans of requests by OTLP over HTTP, in JSON, if a collector is configured. Batches leave
//! every few seconds; a batch that the collector does not take is counted and dropped.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::until_dropped;
use crate::config::{AllowedHost, TracesConfig};
use crate::identity::Core;
use crate::metrics::{Metrics, RequestSpan, SpanFate};
use crate::model::Secret;
use crate::outbound::{HttpClient, HttpRequest, OutboundPolicy, RequestLimits, UrlSchemes};

/// How often a batch leaves.
const PAUSE: Duration = Duration::from_secs(2);
/// How many spans a batch has at most.
const BATCH: usize = 512;
const LIMITS: RequestLimits = RequestLimits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(5),
    max_body: 64 * 1024,
};

/// Exports spans until it is stopped, and then those that still wait.
pub(super) async fn export(core: Arc<Core>, stopped: watch::Receiver<()>) {
    let Some(config) = &core.config.traces else { return };
    let exporter = Exporter::to(config, &core.metrics);
    let mut stopped = std::pin::pin!(until_dropped(stopped));
    loop {
        let is_last = tokio::select! {
            () = &mut stopped => true,
            () = tokio::time::sleep(PAUSE) => false,
        };
        while exporter.send_batch().await {}
        if is_last {
            return;
        }
    }
}

struct Exporter<'a> {
    config: &'a TracesConfig,
    metrics: &'a Metrics,
    client: HttpClient,
}

impl<'a> Exporter<'a> {
    fn to(config: &'a TracesConfig, metrics: &'a Metrics) -> Self {
        // The operator named the host, which is mostly in a private network.
        let allowed = vec![AllowedHost::from(config.url.host().clone())];
        let client = HttpClient::new(OutboundPolicy::new(UrlSchemes::HttpAndHttps, allowed));
        Self { config, metrics, client }
    }

    /// Sends one batch. True if more may wait.
    async fn send_batch(&self) -> bool {
        let spans = self.metrics.take_spans(BATCH);
        if spans.is_empty() {
            return false;
        }
        let body = document(&spans, &self.config.service).to_string();
        let mut headers = self.config.headers.clone();
        headers.push(("content-type".to_owned(), Secret::new("application/json")));
        let request = HttpRequest {
            method: "POST",
            url: &self.config.url,
            headers: &headers,
            body: body.as_bytes(),
        };
        let trouble = match self.client.send(&request, LIMITS).await {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => Some(format!("it answers with {}", answer.status)),
            Err(error) => Some(error.to_string()),
        };
        let fate = if trouble.is_none() { SpanFate::Exported } else { SpanFate::Dropped };
        self.metrics.note_spans(fate, spans.len());
        if let Some(trouble) = &trouble {
            tracing::debug!(spans = spans.len(), trouble, "the collector did not take traces");
        }
        // Do not wait for a collector that fails for as many batches as there are.
        trouble.is_none() && spans.len() == BATCH
    }
}

/// The body of a request to the collector (OTLP 1.3, `ExportTraceServiceRequest`).
fn document(spans: &[RequestSpan], service: &str) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [text("service.name", service), text("service.version", version)];
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({"resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "authd", "version": version }, "spans": spans }],
    }]})
}

/// The kind of a span that answers a request.
const SERVER: u8 = 2;
/// The status of a span that failed.
const FAILED: u8 = 2;

fn span(span: &RequestSpan) -> Value {
    let (trace, id, parent) = span.ids();
    let nanoseconds =
        |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default().as_nanos();
    let begin = u128::from(span.began.millis().unsigned_abs()) * 1_000_000;
    let mut value = json!({
        "traceId": trace,
        "spanId": id,
        "name": format!("{} {}", span.method, span.route),
        "kind": SERVER,
        "startTimeUnixNano": begin.to_string(),
        "endTimeUnixNano": (begin + nanoseconds(span.seconds)).to_string(),
        "attributes": [
            text("http.request.method", span.method),
            text("http.route", &span.route),
            json!({
                "key": "http.response.status_code",
                "value": { "intValue": span.status.to_string() },
            }),
        ],
    });
    if let Some(parent) = parent {
        value["parentSpanId"] = parent.into();
    }
    if span.status >= 500 {
        value["status"] = json!({ "code": FAILED });
    }
    value
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}
