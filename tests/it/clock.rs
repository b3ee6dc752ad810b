//! Clock jumps (the monotonic clock jumps only while the program is stopped, the wall clock at any
//! time) and restored files: no panic, nothing that ended becomes valid again, and no user is
//! locked out.

use std::time::Duration;

use serde_json::json;

use crate::database::RawDatabase;
use crate::support::{Answer, App, PASSWORD, UNLIMITED, app, app_with, token_in};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

async fn refresh(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await
}

async fn me(app: &App, token: &str) -> String {
    app.get("/v1/users/me").bearer(token).send().await.code().to_owned()
}

#[tokio::test]
async fn what_has_ended_stays_ended_when_the_clock_jumps() {
    let app = app_with("standard", &UNLIMITED).await;
    let left = app.enter("ada").await;
    let out = app.login("ada", PASSWORD).await.tokens();
    app.post("/v1/auth/logout", &json!({})).bearer(&out.access).send().await;
    for forward in [true, false, false, true] {
        if forward {
            app.clock.advance(HOUR);
        } else {
            app.clock.set_back(HOUR);
        }
        assert_eq!(refresh(&app, &out.refresh).await.code(), "TOKEN_REVOKED");
        assert!(
            ["TOKEN_REVOKED", "TOKEN_EXPIRED", "INVALID_TOKEN"]
                .contains(&me(&app, &out.access).await.as_str())
        );
    }
    app.clock.advance(30 * DAY);
    assert_eq!(
        refresh(&app, &left.refresh).await.code(),
        "INVALID_REFRESH_TOKEN",
        "idle for too long"
    );
    app.clock.set_back(HOUR);
    assert_eq!(
        refresh(&app, &left.refresh).await.code(),
        "TOKEN_REVOKED",
        "and that ended it for good"
    );
}

#[tokio::test]
async fn a_clock_set_back_ends_no_session_and_reports_no_theft() {
    let app = app_with("standard", &UNLIMITED).await;
    let tokens = app.enter("ada").await;
    let next = refresh(&app, &tokens.refresh).await.tokens();
    app.clock.set_back(HOUR);
    let parent = refresh(&app, &tokens.refresh).await;
    assert_eq!(
        (parent.status.as_u16(), parent.code()),
        (401, "INVALID_REFRESH_TOKEN"),
        "no grace at a negative age"
    );
    let current = refresh(&app, &next.refresh).await;
    assert_eq!(current.status, 200, "{}", current.text);
    app.clock.advance(HOUR);
    assert_eq!(refresh(&app, &current.tokens().refresh).await.status, 200);
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn a_link_refused_as_expired_stays_dead_when_the_clock_is_set_back() {
    let app = app_with("standard", &UNLIMITED).await;
    app.register("ada").await;
    let token = json!({ "token": token_in(&app.mails().await, "verify-email?token=") });
    app.clock.advance(DAY);
    for path in ["/v1/auth/verify-email", "/v1/auth/verify-email/disown"] {
        let late = app.post(path, &token).send().await;
        assert_eq!((late.status.as_u16(), late.code()), (410, "TOKEN_EXPIRED"), "{path}");
        app.clock.set_back(HOUR);
        let later = app.post(path, &token).send().await;
        assert_eq!((later.status.as_u16(), later.code()), (410, "TOKEN_EXPIRED"), "{path}");
    }
}

#[tokio::test]
async fn waits_and_locks_end_though_the_clock_was_set_back() {
    let app = app_with("standard", &UNLIMITED).await;
    app.join("ada").await;
    for _ in 0..10 {
        app.login("ada", "wrong password").await;
    }
    assert_eq!(app.login("ada", PASSWORD).await.status, 429);
    app.clock.set_back(HOUR);
    let wait = app.login("ada", PASSWORD).await;
    assert_eq!(wait.status, 429);
    let seconds: u64 = wait.header("retry-after").parse().unwrap();
    assert!(seconds <= 3660, "no longer than the jump and the wait: {seconds}");
    app.clock.advance(Duration::from_secs(seconds));
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_jump_harms_no_chore() {
    let app = app_with("standard", &UNLIMITED).await;
    let tokens = app.enter("ada").await;
    app.register("unproved").await;
    for _ in 0..2 {
        app.clock.set_back(HOUR);
        authd::identity::system::cleanup::purge(&app.core).await.unwrap();
        app.mails().await;
    }
    app.clock.advance(4 * HOUR);
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    assert_eq!(refresh(&app, &tokens.refresh).await.status, 200);
    assert_eq!(app.login("unproved", PASSWORD).await.code(), "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn a_token_from_ahead_of_a_restored_file_is_only_refused() {
    let app = app().await;
    let old = app.enter("ada").await.refresh;
    let copy = app.dir.path().join("copy.db");
    app.database().tamper(&format!("vacuum into '{}'", copy.display()));
    let ahead = refresh(&app, &old).await.tokens().refresh;
    let further = refresh(&app, &ahead).await.tokens().refresh;
    let app = app
        .reopened_after("standard", |dir| {
            for ending in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(dir.join(format!("authd.db{ending}")));
            }
            std::fs::copy(dir.join("copy.db"), dir.join("authd.db")).unwrap();
            RawDatabase::at(dir.join("authd.db")).protect();
        })
        .await;
    for token in [&ahead, &further] {
        for clock in [Duration::ZERO, HOUR] {
            app.clock.advance(clock);
            let answer = refresh(&app, token).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (401, "INVALID_REFRESH_TOKEN"));
            assert!(!answer.headers.contains_key("set-cookie"));
            let cookie = format!("refreshToken={token}");
            let answer = app
                .call(poem::http::Method::POST, "/v1/auth/refresh")
                .header("cookie", &cookie)
                .send()
                .await;
            assert_eq!(
                (answer.code(), answer.headers.contains_key("set-cookie")),
                ("INVALID_REFRESH_TOKEN", false)
            );
        }
    }
    assert_eq!(refresh(&app, &old).await.status, 200, "the session lives where the file left it");
    assert!(app.mails().await.is_empty(), "no mail about a theft");
}

#[tokio::test]
async fn a_server_started_an_hour_before_it_was_made_serves() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    app.clock.set_back(HOUR);
    let app = app.restart("standard", &UNLIMITED).await;
    let login = app.login("ada", PASSWORD).await;
    assert_eq!(login.status, 200, "{}", login.text);
    assert_eq!(me(&app, &login.tokens().access).await, "");
    assert_eq!(refresh(&app, &tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn everything_that_shows_a_time_shows_the_same_after_a_step_of_the_wall_clock() {
    for ahead in [3600, -3600] {
        let app = app_with("standard", &UNLIMITED).await;
        app.clock.set_wall_ahead(ahead);
        let access = app.enter("ada").await.access;
        let me = app.get("/v1/users/me").bearer(&access).send().await;
        let health = app.get("/v1/health").send().await;
        let refusal = app.get("/v1/users/me").send().await;
        assert_eq!(health.body["timestamp"], me.body["data"]["createdAt"], "{}", health.text);
        assert_eq!(refusal.body["timestamp"], me.body["data"]["createdAt"], "{}", refusal.text);
    }
}

#[tokio::test]
async fn a_wall_clock_that_jumps_costs_at_most_a_refresh() {
    let app = app_with("standard", &UNLIMITED).await;
    let mut tokens = app.enter("ada").await;
    let old = tokens.access.clone();
    assert_eq!(me(&app, &old).await, "");
    for ahead in [3600, 0, -3600, 3600, -3600, 0] {
        app.clock.set_wall_ahead(ahead);
        app.clock.advance(Duration::from_secs(31));
        tokens = refresh(&app, &tokens.refresh).await.tokens();
        assert_eq!(me(&app, &tokens.access).await, "", "{ahead}");
        // One hour earlier, the token is also from the future.
        assert!(
            ["TOKEN_EXPIRED", "INVALID_TOKEN"].contains(&me(&app, &old).await.as_str()),
            "{ahead}: once is for good"
        );
        assert_eq!(app.login("ada", PASSWORD).await.status, 200, "{ahead}");
    }
    app.post("/v1/auth/logout", &json!({})).bearer(&tokens.access).send().await;
    for ahead in [-3600, 0, 3600] {
        app.clock.set_wall_ahead(ahead);
        assert_ne!(me(&app, &tokens.access).await, "", "{ahead}");
        assert_eq!(refresh(&app, &tokens.refresh).await.code(), "TOKEN_REVOKED", "{ahead}");
    }
}
