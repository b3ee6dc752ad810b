//! The Prometheus metrics: who may read them, what they count, and that they are in a valid format.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use poem::http::Method;
use poem::{Endpoint, Request};
use serde_json::json;

use authd::http::transport::listener::{EndpointSwap, Listener};
use authd::http::transport::pace::Timeouts;

use crate::support::{App, PASSWORD, app, app_with};

async fn figures(app: &App) -> String {
    // A hashing thread may have responded and still be busy.
    while app.core.hashing.vitals().busy > 0 {
        tokio::task::yield_now().await;
    }
    let answer = app.get("/metrics").from("127.0.0.1").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    answer.text
}

/// The value of a series, written as in the text format.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test]
async fn figures_are_for_the_machine_itself_and_never_for_who_was_forwarded() {
    let app = app().await;
    let stranger = app.get("/metrics").send().await;
    assert_eq!((stranger.status.as_u16(), stranger.code()), (403, "INSUFFICIENT_PERMISSIONS"));
    let forwarded =
        app.get("/metrics").from("127.0.0.1").header("x-forwarded-for", "127.0.0.1").send().await;
    assert_eq!(forwarded.status, 403);
    assert_eq!(app.call(Method::POST, "/metrics").from("127.0.0.1").send().await.status, 405);
    figures(&app).await;
    let public =
        app.restart("standard", &[("server.public_url", "https://auth.example.com")]).await;
    assert_eq!(public.get("/metrics").from("127.0.0.1").send().await.status, 403);
    let named = public.restart("standard", &[("server.service_networks", "192.0.2.0/24")]).await;
    assert_eq!(named.get("/metrics").send().await.status, 200);
    assert_eq!(named.get("/metrics").from("127.0.0.1").send().await.status, 403);
}

#[tokio::test]
async fn prometheus_on_this_machine_gets_them_as_its_configuration_asks() {
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let (example, docs) = (read("examples/deploy/prometheus.yml"), read("docs/production.md"));
    let setting = |text: &str, key: &str, sign: char| {
        let rest = text.split_once(key).unwrap().1;
        rest.split(['\n', ' ']).find(|word| !word.is_empty()).unwrap().trim_matches(sign).to_owned()
    };
    assert_eq!(setting(&example, "metrics_path:", '"'), "/metrics");
    let target = setting(&example, "targets:", ']').trim_matches(['[', '"']).to_owned();
    assert!(docs.contains(&format!("[metrics]\nlisten = \"{target}\"")), "{target}");
    // `perfect21`'s document scrapes the port of the API.
    for (profile, host) in [("perfect21", "localhost:3000"), ("standard", "localhost:3000")] {
        let app = app_with(profile, &[]).await;
        let scrape = app
            .get("/metrics")
            .from("127.0.0.1")
            .set_header("host", host)
            .header("user-agent", "Prometheus/3.0.0")
            .header("x-prometheus-scrape-timeout-seconds", "10")
            .header(
                "accept",
                "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4",
            )
            .header("accept-encoding", "gzip")
            .send()
            .await;
        assert_eq!(scrape.status, 200, "{profile}: {}", scrape.text);
        assert!(scrape.header("content-type").starts_with("text/plain; version=0.0.4"));
        assert!(scrape.text.contains("\nauthd_"), "{}", scrape.text);
    }
}

#[tokio::test]
async fn figures_are_not_for_a_page_that_points_its_own_name_at_this_machine() {
    let app = app().await;
    let ask = |host: &str| app.get("/metrics").from("127.0.0.1").set_header("host", host).send();
    for (host, status) in [
        ("localhost:3000", 200),
        ("127.0.0.1:3000", 200),
        ("[::1]:3000", 200),
        ("evil.example:3000", 403),
        ("localhost.evil.example", 403),
    ] {
        assert_eq!(ask(host).await.status, status, "{host}");
    }
    let set =
        [("server.service_networks", "192.0.2.0/24"), ("server.service_hosts", "authd.internal")];
    let named = app.restart("standard", &set).await;
    for (host, status) in [("authd.internal:3000", 200), ("evil.example", 403)] {
        assert_eq!(
            named.get("/metrics").set_header("host", host).send().await.status,
            status,
            "{host}"
        );
    }
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route_and_their_status() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    for path in ["/v1/users/me", "/api/v1/users/me"] {
        assert_eq!(app.get(path).bearer(&tokens.access).send().await.status, 200);
    }
    app.get("/v1/users/me").bearer("a.b.c").send().await;
    app.get("/v1/nothing/at-all").send().await;
    app.call(Method::from_bytes(b"BREW").unwrap(), "/coffee").send().await;
    let text = figures(&app).await;
    let requests = |labels: &str| value(&text, &format!("authd_http_requests_total{{{labels}}}"));
    assert_eq!(
        requests("method=\"GET\",route=\"/v1/users/me\",status=\"200\""),
        Some(1.0),
        "{text}"
    );
    assert_eq!(requests("method=\"GET\",route=\"/api/v1/users/me\",status=\"200\""), Some(1.0));
    assert_eq!(
        requests("method=\"GET\",route=\"/v1/users/me\",status=\"401\""),
        Some(1.0),
        "{text}"
    );
    assert_eq!(requests("method=\"GET\",route=\"none\",status=\"404\""), Some(1.0), "{text}");
    assert_eq!(requests("method=\"other\",route=\"none\",status=\"404\""), Some(1.0));
    let took = "authd_http_request_duration_seconds_count{method=\"GET\",route=\"/v1/users/me\"}";
    assert_eq!(value(&text, took), Some(2.0));
    assert!(!text.contains("at-all") && !text.contains("coffee"), "{text}");
}

#[tokio::test]
async fn logins_sessions_mail_and_refusals_are_counted() {
    let app = app_with("standard", &[("limits.sign_up", "off")]).await;
    app.enter("ada").await;
    app.login("ada", "a wrong passphrase").await;
    app.login("nobody", "a wrong passphrase").await;
    assert_eq!(app.register("ben").await.status, 201);
    let restless = app.restart("standard", &[("limits.general.count", "2")]).await;
    restless.login("ada", PASSWORD).await;
    restless.login("ada", "a wrong passphrase").await;
    assert_eq!(restless.login("ada", PASSWORD).await.status, 429);
    let text = figures(&restless).await;
    for (series, expected) in [
        ("authd_logins_total{outcome=\"done\"}", 1.0),
        ("authd_logins_total{outcome=\"wrong_password\"}", 1.0),
        ("authd_events_total{event=\"login\",outcome=\"done\"}", 1.0),
        ("authd_limit_refusals_total{limit=\"general\"}", 1.0),
        ("authd_sessions", 2.0),
        ("authd_mail_outbox{state=\"delivered\"}", 1.0),
        ("authd_mail_outbox{state=\"requested\"}", 1.0),
        ("authd_mail_outbox{state=\"failed\"}", 0.0),
        ("authd_hashing_queue", 0.0),
        ("authd_hashing_busy", 0.0),
        ("authd_hashing_threads", 2.0),
        ("authd_writer_queue", 0.0),
        (&format!("authd_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    let commits = value(&text, "authd_writer_commit_duration_seconds_count").unwrap();
    assert!(commits > 0.0 && value(&text, "authd_writer_group_changes_count") == Some(commits));
    // Counting sessions may be slow with millions of rows, so the count is repeated only after a
    // minute.
    restless.turn_clock(Duration::from_secs(59));
    restless.login("ada", PASSWORD).await;
    assert_eq!(value(&figures(&restless).await, "authd_sessions"), Some(2.0));
    restless.turn_clock(Duration::from_secs(1));
    assert_eq!(value(&figures(&restless).await, "authd_sessions"), Some(3.0));
}

#[tokio::test]
async fn prometheus_itself_can_read_the_figures() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    app.get("/v1/users/me").bearer(&tokens.access).send().await;
    app.post("/v1/auth/login", &json!({})).send().await;
    app.login("ada", "a wrong passphrase").await;
    let text = figures(&app).await;
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        crate::tools::missing("prometheus reads the figures", "promtool");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
}

#[tokio::test]
async fn metrics_on_their_own_port_need_no_token() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = app().await;
    let server = authd::config::Server {
        listen: ([127, 0, 0, 1], 0).into(),
        ..app.core.config.server.clone()
    };
    let listener = Listener::bind(&server, Timeouts::default(), &app.core.env, &app.core.metrics)
        .await
        .unwrap();
    let address = listener.local_addr();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let drain = async { drop(ended.await) };
    let swap = EndpointSwap::new(authd::http::server::metrics::alone(app.core.clone()));
    let serving = tokio::spawn(listener.serve(swap, drain, std::future::pending()));
    for (path, status) in [("/metrics", "200"), ("/v1/health", "404"), ("/", "404")] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let more = "x-forwarded-for: 9.9.9.9\r\nx-request-id: scrape-1\r\nconnection: close";
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{more}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}\n{answer}");
        assert_eq!(answer.contains("authd_build_info"), status == "200");
        for header in
            ["x-content-type-options: nosniff", "cache-control: no-store", "x-request-id: scrape-1"]
        {
            assert!(answer.contains(header), "{path} without {header}\n{answer}");
        }
    }
    end.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn what_was_undone_is_counted_by_no_figure() {
    use authd::identity::admin::accounts;
    use authd::identity::admin::accounts::RoleChange;
    let app = app().await;
    crate::admin::make(&app, "root", &["admin"]).await;
    let change = async |changes: [(RoleChange, &str); 2]| {
        let changes = changes.map(|(way, role)| (way, role.to_owned())).to_vec();
        accounts::change_roles(
            &app.core,
            &authd::identity::By::command_line(),
            "root@example.com",
            changes,
        )
        .await
    };
    let series = "authd_events_total{event=\"roles_changed\",outcome=\"done\"}";
    let before = value(&figures(&app).await, series);
    change([(RoleChange::Give, "moderator"), (RoleChange::Take, "admin")]).await.unwrap_err();
    assert_eq!(
        value(&figures(&app).await, series),
        before,
        "the last admin stays, and so does the count"
    );
    change([(RoleChange::Give, "moderator"), (RoleChange::Take, "user")]).await.unwrap();
    assert_eq!(value(&figures(&app).await, series), Some(before.unwrap_or(0.0) + 2.0));
}

#[tokio::test]
async fn what_looks_like_an_attack_is_counted() {
    let app = app_with("standard", &[("limits.sign_in", "off"), ("limits.general", "off")]).await;
    let tokens = app.enter("ada").await;
    let parent = json!({ "refreshToken": tokens.refresh });
    app.post("/v1/auth/refresh", &parent).send().await;
    app.turn_clock(Duration::from_secs(31));
    assert_eq!(app.post("/v1/auth/refresh", &parent).send().await.status, 401);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.post("/v1/auth/login", &body)
        .from("203.0.113.9")
        .header("user-agent", "Another/1")
        .send()
        .await;
    for attempt in 0..30 {
        app.login(&format!("unknown{attempt}"), "a wrong passphrase").await;
    }
    for attempt in 0..100 {
        let body = json!({ "email": "ada@example.com", "password": "a wrong passphrase" });
        app.post("/v1/auth/login", &body).from(&format!("10.0.0.{}", attempt % 25)).send().await;
    }
    for _ in 0..12 {
        app.login("unknown", "a wrong passphrase").await;
    }
    let text = figures(&app).await;
    for (series, expected) in [
        ("authd_events_total{event=\"refresh_reused\",outcome=\"refused\"}", 1.0),
        ("authd_events_total{event=\"new_device\",outcome=\"done\"}", 1.0),
        // From one client IP, and at one account.
        ("authd_events_total{event=\"failure_burst\",outcome=\"done\"}", 2.0),
        ("authd_events_total{event=\"password_closed\",outcome=\"done\"}", 1.0),
        ("authd_limit_refusals_total{limit=\"throttle\"}", 2.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
}

#[tokio::test]
async fn a_port_of_this_machine_alone_is_not_for_a_page_that_points_its_own_name_here() {
    for (listen, host, status) in [
        ("127.0.0.1:9464", "localhost:9464", 200),
        ("127.0.0.1:9464", "127.0.0.1:9464", 200),
        ("127.0.0.1:9464", "evil.example:9464", 403),
        ("10.0.0.1:9464", "authd.internal:9464", 200),
    ] {
        let app = app_with("standard", &[("metrics.listen", listen)]).await;
        let request = Request::builder().uri_str("/metrics").header("host", host).finish();
        let answer =
            authd::http::server::metrics::alone(app.core.clone()).call(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{host} at {listen}");
    }
}
