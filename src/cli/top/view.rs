//! What `authd top` shows: the figures, as lines of a screen and as JSON.

use serde_json::{Value, json};

use super::samples::{Between, Route, Scrape, Traffic};

/// What is shown at one moment.
pub struct TopFigures {
    version: String,
    /// The name of the server, if several share the database.
    server: Option<String>,
    total: Traffic,
    routes: Vec<(Route, Traffic)>,
    /// Figures by their names; those with a unit of `/s` are rates.
    groups: Vec<(&'static str, Vec<Shown>)>,
}

/// A figure with its name and unit.
struct Shown {
    name: &'static str,
    value: f64,
    unit: &'static str,
}

impl TopFigures {
    /// The figures between two scrapes.
    #[must_use]
    pub fn of(between: &Between<'_>) -> Self {
        let now = between.after;
        Self {
            version: now.label_of("authd_build_info", "version").unwrap_or_default(),
            server: now.label_of("authd_server_info", "server"),
            total: between.total(),
            routes: between.routes(),
            groups: vec![
                ("logins", logins(between)),
                ("hashing", gauges(now, &HASHING)),
                ("writer", gauges(now, &WRITER)),
                ("sessions", gauges(now, &SESSIONS)),
                ("outbox", outbox(between)),
                ("process", process(now)),
            ],
        }
    }

    /// The lines of a screen of this size.
    #[must_use]
    pub fn lines(&self, title: &str, columns: usize, rows: usize) -> Vec<String> {
        let server = self.server.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
        let mut lines = vec![format!("authd {}  {title}{server}", self.version), String::new()];
        lines.push(format!(
            "{:<10}{:>9}/s  errors {}/s  {}",
            "requests",
            number(self.total.rate),
            number(self.total.errors),
            times(&self.total)
        ));
        for (group, figures) in &self.groups {
            let figures: Vec<String> = figures
                .iter()
                .map(|one| format!("{} {}{}", one.name, number(one.value), one.unit))
                .collect();
            lines.push(format!("{group:<10}{}", figures.join("  ")));
        }
        lines.push(String::new());
        lines.push(format!("{:>9}  {:>9}  {:>9}  {:>8}  ROUTE", "REQ/S", "P50", "P95", "5XX/S"));
        for (route, traffic) in &self.routes {
            let [half, most, _] = traffic.within.map(duration);
            lines.push(format!(
                "{:>9}  {half:>9}  {most:>9}  {:>8}  {} {}",
                number(traffic.rate),
                number(traffic.errors),
                route.method,
                route.path
            ));
        }
        lines.truncate(rows);
        lines.iter().map(|line| line.chars().take(columns).collect()).collect()
    }

    /// All figures as JSON; times in seconds.
    #[must_use]
    pub fn json(&self) -> Value {
        let traffic = |traffic: &Traffic| {
            let [p50, p95, p99] = traffic.within;
            json!({"perSecond": traffic.rate, "errorsPerSecond": traffic.errors, "p50": p50, "p95": p95, "p99": p99})
        };
        let routes = self.routes.iter().map(|(route, of)| {
            let mut value = traffic(of);
            value["method"] = json!(route.method);
            value["route"] = json!(route.path);
            value
        });
        let mut all = json!({
            "version": self.version,
            "requests": traffic(&self.total),
            "routes": routes.collect::<Vec<_>>(),
        });
        if let Some(server) = &self.server {
            all["server"] = json!(server);
        }
        for (group, figures) in &self.groups {
            for one in figures {
                let per_second = if one.unit == "/s" { " per second" } else { "" };
                all[group][format!("{}{per_second}", one.name)] = json!(one.value);
            }
        }
        all
    }
}

type GaugeNames = [(&'static str, &'static str)];

const HASHING: [(&str, &str); 3] = [
    ("busy", "authd_hashing_busy"),
    ("threads", "authd_hashing_threads"),
    ("queue", "authd_hashing_queue"),
];
const WRITER: [(&str, &str); 1] = [("queue", "authd_writer_queue")];
const SESSIONS: [(&str, &str); 2] =
    [("live", "authd_sessions"), ("connections", "authd_connections")];

fn gauges(now: &Scrape, names: &GaugeNames) -> Vec<Shown> {
    names.iter().map(|(name, metric)| Shown { name, value: now.all(metric), unit: "" }).collect()
}

fn logins(between: &Between<'_>) -> Vec<Shown> {
    let logins = |is_done: bool| {
        between.rate("authd_logins_total", |label| (label("outcome") == "done") == is_done)
    };
    let factors = between.rate("authd_events_total", |label| {
        label("event") == "factor_shown" && label("outcome") == "refused"
    });
    let sign_ups = between.rate("authd_events_total", |label| {
        label("event") == "sign_up" && label("outcome") == "done"
    });
    let limits = between.rate("authd_limit_refusals_total", |_| true);
    [
        ("done", logins(true)),
        ("failed", logins(false)),
        ("wrong factors", factors),
        ("limited", limits),
        ("sign-ups", sign_ups),
    ]
    .map(|(name, value)| Shown { name, value, unit: "/s" })
    .into()
}

fn outbox(between: &Between<'_>) -> Vec<Shown> {
    let state = |state: &'static str| Shown {
        name: state,
        value: between.after.sum("authd_mail_outbox", |label| label("state") == state),
        unit: "",
    };
    let sent = |outcome: &'static str, name: &'static str| Shown {
        name,
        value: between.rate("authd_messages_total", |label| label("outcome") == outcome),
        unit: "/s",
    };
    vec![
        state("requested"),
        state("waiting"),
        state("failed"),
        sent("delivered", "sent"),
        sent("failed", "given up"),
    ]
}

fn process(now: &Scrape) -> Vec<Shown> {
    let memory = now.all("process_resident_memory_bytes") / (1024.0 * 1024.0);
    let mut shown = vec![
        Shown { name: "memory", value: memory, unit: " MiB" },
        Shown { name: "descriptors", value: now.all("process_open_fds"), unit: "" },
    ];
    let age = now.all("authd_backup_age_seconds");
    if age > 0.0 {
        shown.push(Shown { name: "last backup", value: age / 3600.0, unit: " h ago" });
    }
    shown
}

fn times(traffic: &Traffic) -> String {
    let [half, most, nearly_all] = traffic.within.map(duration);
    format!("p50 {half}  p95 {most}  p99 {nearly_all}")
}

/// A number without more digits than it needs.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// A duration in seconds or milliseconds.
fn duration(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds >= 1.0 => format!("{seconds:.1} s"),
        Some(seconds) if seconds >= 0.01 => format!("{:.0} ms", seconds * 1000.0),
        Some(seconds) => format!("{:.1} ms", seconds * 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> TopFigures {
        let text = |logins: u32, requests: u32| {
            Scrape::parse(&format!(
                "authd_build_info{{version=\"1.2.3\"}} 1\nauthd_logins_total{{outcome=\"done\"}} {logins}\n\
                 authd_logins_total{{outcome=\"wrong_password\"}} 4\nauthd_hashing_queue 7\n\
                 authd_mail_outbox{{state=\"waiting\"}} 3\nprocess_resident_memory_bytes 1048576\n\
                 authd_http_requests_total{{method=\"GET\",route=\"/a\",status=\"200\"}} {requests}\n\
                 authd_http_request_duration_seconds_bucket{{le=\"0.1\",method=\"GET\",route=\"/a\"}} {requests}\n\
                 authd_http_request_duration_seconds_bucket{{le=\"+Inf\",method=\"GET\",route=\"/a\"}} {requests}\n"
            ))
        };
        let (before, after) = (text(10, 0), text(20, 50));
        TopFigures::of(&Between { before: &before, after: &after, seconds: 5.0 })
    }

    #[test]
    fn a_screen_has_each_figure_and_fits() {
        let lines = figures().lines("here", 200, 50);
        let text = lines.join("\n");
        for word in [
            "authd 1.2.3  here",
            "10/s  errors 0/s  p50 50 ms",
            "done 2/s  failed 0/s",
            "queue 7",
            "waiting 3",
            "memory 1 MiB",
            "GET /a",
        ] {
            assert!(text.contains(word), "{word}\n{text}");
        }
        let small = figures().lines("here", 20, 4);
        assert!(
            small.len() == 4 && small.iter().all(|line| line.chars().count() <= 20),
            "{small:?}"
        );
    }

    #[test]
    fn programs_get_the_same_figures() {
        let json = figures().json();
        assert_eq!((&json["version"], &json["hashing"]["queue"]), (&json!("1.2.3"), &json!(7.0)));
        assert_eq!(json["logins"]["done per second"], json!(2.0));
        assert_eq!(json["routes"][0]["route"], "/a");
        assert!((json["requests"]["p50"].as_f64().unwrap() - 0.05).abs() < 1e-9);
    }

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(
            [0.0, 0.25, 12.0, 99.96, 1234.5].map(number),
            ["0", "0.2", "12", "100.0", "1234"]
        );
        let times = [None, Some(0.0025), Some(0.25), Some(2.5)].map(duration);
        assert_eq!(times, ["-", "2.5 ms", "250 ms", "2.5 s"]);
    }
}
