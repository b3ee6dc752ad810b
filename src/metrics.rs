//! The metrics of the process. [`Metrics`] is passed to the code that counts; nothing is global.
//!
//! Counting takes a fraction of a microsecond and only ever waits for a scrape in progress. For
//! access to the metrics see `http::server::metrics`. The writer and the hashing pool keep their own
//! figures, which `identity::system::metrics` collects.

mod requests;
mod spans;
mod tally;

use std::borrow::Cow;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::event::{EventOutcome, What};
use crate::model::series::{HourCount, Series};
use crate::model::{Barrier, Event, Time};
use requests::Requests;
use spans::SpanQueue;
use tally::Tally;

pub use prometheus_client::metrics::histogram::Histogram;
pub use spans::{RequestSpan, TraceContext};

/// The maximum length of a refusal reason that is used as a label.
const LONGEST_WORD: usize = 32;

/// A figure that is read at scrape time.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The name, without the `authd` prefix.
    pub name: &'static str,
    pub help: &'static str,
    /// The name and value of its label, if it has one.
    pub label: Option<(&'static str, Cow<'static, str>)>,
    pub value: f64,
}

/// A histogram that another module keeps.
#[derive(Debug, Clone)]
pub struct Spread {
    /// The name, without the `authd` prefix.
    pub name: &'static str,
    pub help: &'static str,
    pub histogram: Histogram,
}

/// All values that are read at scrape time.
#[derive(Debug, Clone, Default)]
pub struct MetricsSnapshot {
    /// Current values.
    pub readings: Vec<Reading>,
    pub spreads: Vec<Spread>,
    /// Process metrics, under Prometheus' standard names without the `authd` prefix.
    pub process: Vec<Reading>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hit {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Happened {
    event: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoginLabels {
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    reason: &'static str,
}

/// Why a connection was closed although its client did nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedConnection {
    /// It was idle, and a new connection needed its place.
    Idle,
    /// It was new, and its network has as many connections as it may.
    Refused,
    /// Its network has made as many TLS handshakes as it may.
    Handshakes,
}

impl ClosedConnection {
    fn as_str(self) -> &'static str {
        match self {
            ClosedConnection::Idle => "idle",
            ClosedConnection::Refused => "refused",
            ClosedConnection::Handshakes => "handshakes",
        }
    }
}

/// How a message left the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFate {
    Delivered,
    /// It was refused permanently or given up.
    Failed,
}

impl MessageFate {
    fn as_str(self) -> &'static str {
        match self {
            MessageFate::Delivered => "delivered",
            MessageFate::Failed => "failed",
        }
    }
}

/// What became of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanFate {
    /// The collector took it.
    Exported,
    /// There was no space for it, or the collector did not take it.
    Dropped,
}

impl SpanFate {
    fn as_str(self) -> &'static str {
        match self {
            SpanFate::Exported => "exported",
            SpanFate::Dropped => "dropped",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SpanLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    channel: &'static str,
    outcome: &'static str,
}

/// The counters of one process. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<MetricsInner>);

#[derive(Debug, Default)]
struct MetricsInner {
    requests: Requests,
    happened: Family<Happened, Counter>,
    logins: Family<LoginLabels, Counter>,
    hits: Family<Hit, Counter>,
    connections: Gauge,
    closed: Family<Closed, Counter>,
    messages: Family<MessageLabels, Counter>,
    removed: Counter,
    /// Where spans are exported.
    spans: Option<SpanQueue>,
    exported: Family<SpanLabels, Counter>,
    tally: Tally,
    /// When the certificate in force began to be valid and when it expires, if there is one.
    certificate: Mutex<Option<(Time, Time)>>,
}

impl Metrics {
    /// Metrics that also keep the spans of requests for an export.
    #[must_use]
    pub fn with_spans() -> Self {
        let spans = Some(SpanQueue::default());
        Self(Arc::new(MetricsInner { spans, ..MetricsInner::default() }))
    }

    /// Whether spans of requests are kept.
    #[must_use]
    pub fn keeps_spans(&self) -> bool {
        self.0.spans.is_some()
    }

    /// Keeps the span of an answered request until it is exported.
    pub fn note_span(&self, span: RequestSpan) {
        if let Some(spans) = &self.0.spans
            && !spans.add(span)
        {
            self.note_spans(SpanFate::Dropped, 1);
        }
    }

    /// Takes up to this many of the oldest spans.
    #[must_use]
    pub fn take_spans(&self, most: usize) -> Vec<RequestSpan> {
        self.0.spans.as_ref().map(|spans| spans.take(most)).unwrap_or_default()
    }

    /// Counts what became of spans.
    pub fn note_spans(&self, fate: SpanFate, count: usize) {
        let labels = SpanLabels { outcome: fate.as_str() };
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.exported.get_or_create(&labels).inc_by(count);
    }

    /// Counts an answered request. The route is its template, never its path.
    pub fn note_request(
        &self,
        method: &'static str,
        route: &Arc<str>,
        status: u16,
        took: &Stopwatch,
    ) {
        self.0.requests.note(method, route, status, took.seconds());
    }

    /// Counts a security event that was recorded at this time.
    pub fn note_event(&self, event: &Event, at: Time) {
        if let Some(series) = Series::of_event(event) {
            self.0.tally.add(series, at, 1);
        }
        let outcome = event.outcome.as_str();
        self.0.happened.get_or_create(&Happened { event: event.what.as_str(), outcome }).inc();
        if event.what == What::Login {
            let reason = event
                .detail
                .as_deref()
                .filter(|_| event.outcome == EventOutcome::Refused)
                .filter(|it| is_word(it));
            self.0
                .logins
                .get_or_create(&LoginLabels { outcome: reason.unwrap_or(outcome).to_owned() })
                .inc();
        }
    }

    /// Counts an active account for each series in which it is new.
    pub fn note_active(&self, series: impl Iterator<Item = Series>, at: Time) {
        series.for_each(|series| self.0.tally.add(series, at, 1));
    }

    /// Counts a message of a channel that was delivered, or will not be.
    pub fn note_message(&self, channel: &'static str, fate: MessageFate, at: Time) {
        self.0.messages.get_or_create(&MessageLabels { channel, outcome: fate.as_str() }).inc();
        let series = match (channel, fate) {
            ("mail", MessageFate::Delivered) => Series::MailDelivered,
            ("mail", MessageFate::Failed) => Series::MailFailed,
            ("sms", MessageFate::Delivered) => Series::TextsDelivered,
            ("sms", MessageFate::Failed) => Series::TextsFailed,
            _ => return,
        };
        self.0.tally.add(series, at, 1);
    }

    /// Takes what was counted since the last call, to keep it.
    #[must_use]
    pub fn take_counts(&self, more: &[(Series, u64)], now: Time) -> Vec<HourCount> {
        self.0.tally.add_totals(&self.0.requests.counts(), now);
        self.0.tally.add_totals(more, now);
        self.0.tally.take()
    }

    /// Gives back counts that could not be kept.
    pub fn give_back(&self, counts: Vec<HourCount>) {
        for count in counts {
            self.0.tally.add_to_hour(count);
        }
    }

    /// Counts a refusal by a limit.
    pub fn note_refusal(&self, barrier: Barrier, at: Time) {
        self.0.tally.add(Series::LimitsHit, at, 1);
        self.0.tally.add(Series::Refused(barrier), at, 1);
        self.0.hits.get_or_create(&Hit { limit: barrier.as_str() }).inc();
    }

    /// Counts expired rows that were removed.
    pub fn note_removed(&self, rows: u64) {
        self.0.removed.inc_by(rows);
    }

    /// Changes the number of open connections.
    pub fn note_connections(&self, change: i64) {
        self.0.connections.inc_by(change);
    }

    /// Counts a connection that was closed for lack of places.
    pub fn note_closed(&self, reason: ClosedConnection) {
        self.0.closed.get_or_create(&Closed { reason: reason.as_str() }).inc();
    }

    /// Notes the certificate that is in force from now on: when it begins to be valid and when it
    /// expires.
    pub fn note_certificate(&self, begins: Time, expires: Time) {
        let mut certificate = self.0.certificate.lock().unwrap_or_else(PoisonError::into_inner);
        *certificate = Some((begins, expires));
    }

    /// When the certificate in force began to be valid and when it expires, if the server has one.
    #[must_use]
    pub fn certificate(&self) -> Option<(Time, Time)> {
        *self.0.certificate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders all metrics in Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn text(&self, vitals: MetricsSnapshot) -> String {
        let mut registry = Registry::default();
        let own = registry.sub_registry_with_prefix("authd");
        let MetricsInner {
            requests,
            happened,
            logins,
            hits,
            connections,
            closed,
            messages,
            removed,
            ..
        } = &*self.0;
        let (answered, durations) = requests.totals();
        own.register("http_requests", "Requests by method, route and status", answered);
        own.register("http_request_duration_seconds", "Request duration in seconds", durations);
        own.register("logins", "Logins by outcome", logins.clone());
        own.register("events", "Security events as the audit log records them", happened.clone());
        own.register("limit_refusals", "Requests refused by a limit", hits.clone());
        own.register("connections", "Open connections", connections.clone());
        let closed = closed.clone();
        own.register("connections_closed", "Connections closed for lack of places", closed);
        let messages = messages.clone();
        own.register("messages", "Messages of the outbox that left it, by channel", messages);
        own.register("cleanup_rows", "Expired rows that the cleanup removed", removed.clone());
        if self.keeps_spans() {
            let exported = self.0.exported.clone();
            own.register("trace_spans", "Spans of requests, by what became of them", exported);
        }
        if let Some((begins, expires)) = self.certificate() {
            let mut moment = |name, help, at| {
                let gauge = FloatGauge::default();
                gauge.set(millis(at) / 1000.0);
                own.register(name, help, gauge);
            };
            let help = "When the certificate in force begins to be valid, Unix seconds";
            moment("certificate_begin_timestamp_seconds", help, begins);
            let help = "When the certificate in force expires, Unix seconds";
            moment("certificate_expiry_timestamp_seconds", help, expires);
        }
        for Spread { name, help, histogram } in vitals.spreads {
            own.register(name, help, histogram);
        }
        register(own, &vitals.readings);
        register(&mut registry, &vitals.process);
        let mut open = String::new();
        // Writing to a `String` cannot fail.
        let _ = text::encode(&mut open, &registry);
        classic(&open)
    }
}

/// Whether a text is one of our fixed reasons and not free text, which must not become a label.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

type FloatGauge = Gauge<f64, AtomicU64>;

/// Registers readings. Consecutive readings with the same name form one family.
fn register(registry: &mut Registry, readings: &[Reading]) {
    for these in readings.chunk_by(|one, next| one.name == next.name) {
        if let [Reading { name, help, label: None, value }] = these {
            let level = FloatGauge::default();
            level.set(*value);
            registry.register(*name, *help, level);
            continue;
        }
        let family = Family::<Vec<(&'static str, String)>, FloatGauge>::default();
        for Reading { label, value, .. } in these {
            let label = label.iter().map(|(name, value)| (*name, value.to_string()));
            family.get_or_create(&label.collect()).set(*value);
        }
        registry.register(these[0].name, these[0].help, family);
    }
}

/// Converts `OpenMetrics` to the older text format, which every scraper reads. In it, a counter
/// family has the same name as its samples, with `_total`.
fn classic(open: &str) -> String {
    let is_counter =
        |line: &'_ str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter").map(str::to_owned);
    let counters: Vec<String> = open.lines().filter_map(is_counter).collect();
    let mut out = String::with_capacity(open.len() + 256);
    for line in open.lines().filter(|line| *line != "# EOF") {
        let comment = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        let name = comment.and_then(|comment| comment.split(' ').next());
        match name.and_then(|name| counters.iter().find(|counter| *counter == name)) {
            Some(name) => out.push_str(&line.replacen(name, &format!("{name}_total"), 1)),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Measures durations for metrics only. Times that are stored or compared come from `Env`.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts a stopwatch.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "a duration finer than the stored times, shown and never decided by"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Reads the process metrics from the system; values that the system does not provide are left out.
#[must_use]
pub fn of_process(started: Time) -> Vec<Reading> {
    let mut readings = vec![reading(
        "process_start_time_seconds",
        "Process start time, Unix seconds",
        millis(started) / 1000.0,
    )];
    #[cfg(target_os = "linux")]
    {
        let kib =
            std::fs::read_to_string("/proc/self/status").ok().and_then(|status| resident(&status));
        readings.extend(kib.map(|kib| {
            reading("process_resident_memory_bytes", "Resident memory in bytes", kib * 1024.0)
        }));
        let open = std::fs::read_dir("/proc/self/fd")
            .ok()
            .map(Iterator::count)
            .and_then(|open| u32::try_from(open).ok());
        readings.extend(
            open.map(|open| reading("process_open_fds", "Open file descriptors", open.into())),
        );
    }
    readings
}

fn reading(name: &'static str, help: &'static str, value: f64) -> Reading {
    Reading { name, help, label: None, value }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
fn millis(time: Time) -> f64 {
    time.millis() as f64
}

#[cfg(target_os = "linux")]
fn resident(status: &str) -> Option<f64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_classic_format() {
        let metrics = Metrics::default();
        metrics.note_event(&Event::refused(What::Login).because("wrong_password"), Time::default());
        metrics.note_event(&Event::done(What::Login), Time::default());
        metrics
            .note_event(&Event::refused(What::Login).because("Ada's \"words\""), Time::default());
        metrics.note_request("GET", &"/v1/users/:id".into(), 200, &Stopwatch::start());
        let beside = metrics.clone();
        let other =
            move || beside.note_request("GET", &"/v1/users/:id".into(), 404, &Stopwatch::start());
        std::thread::spawn(other).join().unwrap();
        let queue = |label, value| Reading {
            name: "queue",
            help: "Waiting",
            label: Some(("lane", Cow::Borrowed(label))),
            value,
        };
        let readings = vec![queue("a", 1.0), queue("b", 2.5)];
        let text = metrics.text(MetricsSnapshot { readings, ..MetricsSnapshot::default() });
        for line in [
            "# TYPE authd_logins_total counter",
            "authd_logins_total{outcome=\"wrong_password\"} 1",
            "authd_logins_total{outcome=\"done\"} 1",
            "authd_logins_total{outcome=\"refused\"} 1",
            "authd_events_total{event=\"login\",outcome=\"refused\"} 2",
            "# TYPE authd_http_requests_total counter",
            "authd_http_requests_total{method=\"GET\",route=\"/v1/users/:id\",status=\"200\"} 1",
            "authd_http_requests_total{method=\"GET\",route=\"/v1/users/:id\",status=\"404\"} 1",
            "authd_http_request_duration_seconds_count{method=\"GET\",route=\"/v1/users/:id\"} 2",
            "authd_http_request_duration_seconds_bucket{le=\"+Inf\",method=\"GET\",route=\"/v1/users/:id\"} 2",
            "authd_http_request_duration_seconds_bucket{le=\"10.0\",method=\"GET\",route=\"/v1/users/:id\"} 2",
            "# TYPE authd_queue gauge",
            "authd_queue{lane=\"a\"} 1.0",
            "authd_queue{lane=\"b\"} 2.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("EOF") && !text.contains("words"));
        assert_eq!(text.matches("# TYPE authd_queue ").count(), 1);
    }

    #[test]
    fn clones_count_together() {
        let metrics = Metrics::default();
        metrics.clone().note_event(&Event::done(What::SignUp), Time::default());
        assert!(
            metrics
                .text(MetricsSnapshot::default())
                .contains("authd_events_total{event=\"sign_up\",outcome=\"done\"} 1")
        );
    }

    #[test]
    fn the_system_tells_of_this_process() {
        let found = of_process(Time::from_seconds(7));
        assert!((found[0].value - 7.0).abs() < f64::EPSILON);
        if cfg!(target_os = "linux") {
            assert!(found.len() == 3 && found.iter().all(|one| one.value > 0.0), "{found:?}");
        }
    }
}
