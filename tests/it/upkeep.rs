//! Retention: what is kept for how long, and the audit log's records of it.

use std::time::Duration;

use authd::identity::audit::refusals;
use authd::identity::audit::refusals::Until;
use poem::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, app, app_with};

const DAY: Duration = Duration::from_hours(24);

fn rows(app: &crate::support::App, table: &str) -> i64 {
    app.database().number(&format!("select count(*) from {table}"))
}

#[tokio::test]
async fn what_has_expired_is_forgotten_and_what_is_alive_stays() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    app.register("unproved").await;
    app.login("ada", "wrong password").await;
    app.login("nobody", "wrong password").await;
    app.mails().await;
    let tables =
        ["sessions", "links", "attempts", "outbox", "audit", "known_ips", "username_reservations"];
    for table in tables {
        assert!(rows(&app, table) > 0, "{table}");
    }
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let me = app.get("/v1/users/me").bearer(&tokens.access).send().await;
    assert_eq!((rows(&app, "accounts"), me.status.as_u16()), (2, 200), "nothing is due yet");

    app.turn_clock(8 * DAY);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    assert_eq!(rows(&app, "accounts"), 1, "the other was not verified");
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send().await;
    assert_eq!(refreshed.status, 200);

    app.turn_clock(400 * DAY);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    for table in tables {
        assert_eq!(rows(&app, table), 0, "{table}");
    }
    assert_eq!(app.login("ada", PASSWORD).await.status, 200, "the account itself never expires");
}

#[tokio::test]
async fn what_a_limit_refused_is_one_record_with_a_count() {
    let set = [
        ("limits.resend.count", "2"),
        ("limits.resend.window", "1h"),
        ("limits.resend.shape", "window"),
    ];
    let app = app_with("standard", &set).await;
    for from in ["198.51.100.1", "198.51.100.2"] {
        for _ in 0..5 {
            let body = json!({ "email": "ada@example.com" });
            app.post("/v1/auth/resend-verification", &body).from(from).send().await;
        }
    }
    app.turn_clock(Duration::from_mins(1));
    for _ in 0..2 {
        refusals::record(&app.core.refusals, &app.core.store, Until::LastMinute).await.unwrap();
    }
    let lines: Vec<String> =
        app.audit().await.into_iter().filter(|line| line.starts_with("limit_hit")).collect();
    assert_eq!(
        lines,
        ["limit_hit refused resend 3", "limit_hit refused resend 3"],
        "one for each client address"
    );
}

#[tokio::test]
async fn every_event_has_one_record_with_its_source() {
    let app = app().await;
    app.enter("ada").await;
    let body = json!({ "email": "ada@example.com", "password": "wrong password" });
    let call =
        app.post("/v1/auth/login", &body).from("198.51.100.7").header("user-agent", "Browser/1");
    let refused = call.header("x-request-id", "from-a-test").send().await;
    assert_eq!(refused.status, 401);
    let refused = "select * from audit where event = 'login' and outcome = 'refused'";
    let found: Vec<String> =
        app.database().query(refused).rows.iter().map(|row| format!("{row:?}")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let words = |text: &str| {
        let spelled = text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        found[0].contains(text) || found[0].contains(&spelled)
    };
    for word in ["198.51.100.7", "from-a-test", "wrong_password"] {
        assert!(words(word), "{word}: {found:?}");
    }
    assert!(!words("ada@example.com"), "an account is named by its id");
}

#[tokio::test]
async fn a_refused_request_is_no_change_and_a_read_is_none() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let before = rows(&app, "audit");
    for (method, path) in [
        (Method::GET, "/v1/users/me"),
        (Method::GET, "/v1/health"),
        (Method::GET, "/docs"),
        (Method::POST, "/v1/nothing"),
    ] {
        app.call(method, path).bearer(&tokens.access).send().await;
    }
    assert_eq!(rows(&app, "audit"), before);
}

#[tokio::test]
async fn the_audit_log_is_kept_for_as_long_as_the_policy_says() {
    let app = app_with("standard", &[("audit.keep", "30 days")]).await;
    app.login("nobody", "a wrong passphrase").await;
    app.turn_clock(29 * DAY);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let is_there = |lines: &[String]| lines.iter().any(|line| line.starts_with("login refused"));
    assert!(is_there(&app.audit().await));
    app.login("nobody", "a wrong passphrase").await;
    app.turn_clock(2 * DAY);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let left = app.audit().await;
    assert_eq!(left.iter().filter(|line| line.starts_with("login refused")).count(), 1, "{left:?}");
}

/// Fills the audit log with this many old records of about a kilobyte.
fn fill(app: &crate::support::App, records: u32) {
    app.database().tamper(&format!(
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < {records}) \
         insert into audit (id, at, event, outcome, detail) \
         select 'old-' || x, 0, 'login', 'done', hex(zeroblob(500)) from n"
    ));
}

#[tokio::test]
async fn what_a_cleanup_frees_goes_back_to_the_filesystem_and_is_counted() {
    let app = app().await;
    app.enter("ada").await;
    fill(&app, 40_000);
    let full = app.core.store.space().await.unwrap();
    assert!(full.total > 40_000_000 && full.free < full.total / 10, "{full:?}");
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let now = app.core.store.space().await.unwrap();
    assert!(now.total < full.total / 2, "{full:?} {now:?}");
    assert!(now.free <= 16 * 1024 * 1024, "{now:?}");
    assert_eq!(app.core.store.fault().await.unwrap(), None);
    let text = app.get("/metrics").from("127.0.0.1").send().await.text;
    let value = |name: &str| {
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        line.parse::<f64>().unwrap()
    };
    assert!(value("authd_cleanup_rows_total") >= 40_000.0, "{text}");
    assert!(value("authd_database_bytes") > value("authd_database_free_bytes"), "{text}");
    fill(&app, 2_000);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    let kept = app.core.store.space().await.unwrap();
    assert!(kept.total >= now.total, "what is soon used again is kept: {now:?} {kept:?}");
}
