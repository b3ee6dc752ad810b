//! What watches a server: the alert rules and the dashboard in `examples/deploy` ask for figures that
//! exist, the rules pass their tests, and Prometheus answers every query of the dashboard.

use std::fmt::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authd::metrics::{ClosedConnection, Stopwatch};
use authd::model::event::What;
use authd::store::tables::outbox::MessageState;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Running;
use crate::support::{PASSWORD, app_with};
use crate::tools::{is_here, missing, succeed};

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(example(file)).unwrap()
}

/// The figures of a server on which everything that is counted has happened once.
async fn figures() -> String {
    let app = app_with("standard", &[("limits.general.count", "9")]).await;
    app.enter("ada").await;
    app.login("ada", "a wrong passphrase").await;
    while app.login("ada", PASSWORD).await.status != 429 {}
    authd::identity::system::backup::record(&app.core, Path::new("copy.db")).await.unwrap();
    app.core.metrics.note_closed(ClosedConnection::Idle);
    let now = app.core.env.now();
    app.core.metrics.note_certificate(now, now);
    app.core.metrics.note_request("GET", &"/v1/users/me".into(), 503, &Stopwatch::start());
    let answer = app.get("/metrics").from("127.0.0.1").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// The names of figures in a text.
fn asked_for(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("authd_") || word.starts_with("process_")).collect()
}

/// The values that a text compares a label with, as in `label="value"`.
fn compared<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let values = text.split(label).skip(1);
    values
        .filter_map(|rest| rest.strip_prefix("=\"").or_else(|| rest.strip_prefix("!=\"")))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

/// The queries of the dashboard, with the values that Grafana puts in for its variables.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap())
        .map(|query| query.replace("$__rate_interval", "5m").replace("$instance", ".+"))
        .collect()
}

#[tokio::test]
async fn rules_and_panels_ask_for_figures_that_exist() {
    let figures = figures().await;
    let exists = |name: &str| {
        let mut lines = figures.lines().map(|line| line.strip_prefix("# TYPE ").unwrap_or(line));
        lines.any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
    };
    let (rules, queries) = (read("alerts.yml"), queries().join("\n"));
    for (file, text) in [
        ("alerts.yml", &rules),
        ("alerts_test.yml", &read("alerts_test.yml")),
        ("grafana.json", &queries),
    ] {
        let names = asked_for(text);
        assert!(names.len() > 10, "{file}");
        for name in names {
            assert!(exists(name), "{file}: {name}\n{figures}");
        }
        for event in compared(text, "event") {
            assert!(What::ALL.iter().any(|what| what.as_str() == event), "{file}: {event}");
        }
        for state in compared(text, "state") {
            assert!(MessageState::ALL.iter().any(|one| one.as_str() == state), "{file}: {state}");
        }
    }
}

#[test]
fn the_alert_rules_pass_their_tests() {
    if !is_here("promtool") {
        return missing("the alert rules", "promtool");
    }
    let config = read("prometheus.yml");
    assert!(config.contains("alerts.yml"), "{config}");
    succeed(Command::new("promtool").args(["check", "config"]).arg(example("prometheus.yml")));
    let tests =
        succeed(Command::new("promtool").args(["test", "rules"]).arg(example("alerts_test.yml")));
    assert!(tests.contains("SUCCESS"), "{tests}");
    for name in read("alerts.yml").lines().filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        let raised = format!("  - name: {name}\n");
        assert!(read("alerts_test.yml").contains(&raised), "{name} is never raised in the tests");
    }
}

/// When the recording was made, in seconds since 1970.
const RECORDED: u64 = 1_700_000_000;

/// The figures as a recording of ten minutes in which nothing changes.
fn recording(figures: &str) -> String {
    let mut text = String::new();
    for line in figures.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.trim_end_matches('}');
        let comma = if labels.is_empty() { "" } else { "," };
        for minute in 0..10 {
            let time = RECORDED - 60 * (9 - minute);
            writeln!(text, "{name}{{instance=\"a\",job=\"authd\"{comma}{labels}}} {value} {time}")
                .unwrap();
        }
    }
    text + "# EOF\n"
}

/// Prometheus with a recording, on loopback.
struct Prometheus {
    _child: Running,
    url: String,
    _folder: TempDir,
}

impl Prometheus {
    fn with(recording: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (file, data) = (folder.path().join("recording.txt"), folder.path().join("data"));
        std::fs::write(&file, recording).unwrap();
        let mut blocks = Command::new("promtool");
        succeed(blocks.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(file).arg(&data));
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "").unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args(["--storage.tsdb.retention.time=100y", "--log.level=error"])
            .arg(format!("--web.listen-address={free}"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started =
            Self { _child: Running(child), url: format!("http://{free}"), _folder: folder };
        let ready = format!("{}/-/ready", started.url);
        let mut wait = Command::new("curl");
        wait.args(["-sS", "--fail", "--retry", "40", "--retry-all-errors", "--retry-delay", "1"]);
        succeed(wait.arg(ready));
        started
    }

    /// How many series a query finds.
    fn count(&self, query: &str) -> usize {
        let mut ask = Command::new("curl");
        ask.args(["-sS", "--data-urlencode", &format!("query={query}")]);
        ask.args(["--data", &format!("time={RECORDED}"), &format!("{}/api/v1/query", self.url)]);
        let answer: Value = serde_json::from_str(&succeed(&mut ask)).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn prometheus_answers_every_query_of_the_dashboard() {
    if !is_here("promtool") || !is_here("prometheus") || !is_here("curl") {
        return missing("the queries of the dashboard", "prometheus");
    }
    let prometheus = Prometheus::with(&recording(&figures().await));
    for query in queries() {
        assert!(prometheus.count(&query) > 0, "{query}");
    }
}
