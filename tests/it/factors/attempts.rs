//! The number of attempts at a code, depending on which client requested it.

use std::time::Duration;

use serde_json::json;

use super::{code_in, refused};
use crate::support::{App, UNLIMITED, UNLIMITED_MAIL, app_with};

/// Requests a code and sends wrong ones until they are refused; returns the right code and the
/// number of attempts.
async fn use_up(app: &App) -> (String, u32) {
    assert_eq!(
        app.post("/v1/auth/otp/request", &json!({ "email": "ada@example.com" }))
            .send()
            .await
            .status,
        200
    );
    let code = code_in(&app.mails().await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut attempts = 0;
    loop {
        let answer = show(app, wrong).await;
        if answer == (429, "AUTH_RATE_LIMIT_EXCEEDED".to_owned()) {
            return (code, attempts);
        }
        assert_eq!(answer, (400, "INVALID_CODE".to_owned()));
        attempts += 1;
        assert!(attempts <= 5, "{attempts}");
    }
}

async fn show(app: &App, code: &str) -> (u16, String) {
    let answer = app
        .post("/v1/auth/otp/verify", &json!({ "email": "ada@example.com", "code": code }))
        .send()
        .await;
    let (status, code) = refused(&answer);
    (status, code.to_owned())
}

#[tokio::test]
async fn who_asked_for_a_code_has_five_tries_in_ten_minutes_and_fifty_a_day() {
    let app = app_with(
        "standard",
        &[&UNLIMITED[..], &UNLIMITED_MAIL, &[("login.passwordless", "true")]].concat(),
    )
    .await;
    app.join("ada").await;
    for round in 0..10 {
        let (code, attempts) = use_up(&app).await;
        assert_eq!(attempts, 5, "round {round}");
        assert_eq!(show(&app, &code).await.0, 429, "the right one too");
        app.turn_clock(Duration::from_mins(10));
    }
    let (code, attempts) = use_up(&app).await;
    assert_eq!((attempts, show(&app, &code).await.0), (0, 429), "fifty in a day");
    app.turn_clock(Duration::from_hours(24));
    let (_, attempts) = use_up(&app).await;
    assert_eq!(attempts, 5, "the next day");
    app.turn_clock(Duration::from_mins(10));
    app.post("/v1/auth/otp/request", &json!({ "email": "ada@example.com" })).send().await;
    let code = code_in(&app.mails().await);
    assert_eq!(show(&app, &code).await.0, 200);
}

#[tokio::test]
async fn strangers_do_not_use_up_the_codes_of_a_client_ip_that_has_logged_in() {
    let set = [("login.passwordless", "true"), ("password.reset_by_code", "true")];
    let app = app_with("standard", &[&UNLIMITED[..], &UNLIMITED_MAIL, &set].concat()).await;
    app.enter("ada").await;
    for road in ["otp", "reset-code"] {
        let call = |name: &str, code: &str, from: String| {
            let body = json!({ "email": "ada@example.com", "code": code });
            app.post(&format!("/v1/auth/{road}/{name}"), &body).from(&from).send()
        };
        let mut wrong = 0;
        for n in 0..12 {
            let from = || format!("198.51.100.{n}");
            assert_eq!(call("request", "", from()).await.status, 200);
            for _ in 0..5 {
                wrong += usize::from(call("verify", "000000", from()).await.status == 400);
            }
        }
        assert_eq!(wrong, 50, "{road}: all strangers together");
        app.mails().await;
        let home = || "192.0.2.1".to_owned();
        for round in 0..5 {
            assert_eq!(call("request", "", home()).await.status, 200);
            let code = code_in(&app.mails().await);
            let of_round = if round < 4 { 5 } else { 0 };
            let mut own = 0;
            while own <= 5 && call("verify", "000000", home()).await.status == 400 {
                own += 1;
            }
            assert_eq!(own, of_round, "{road}: twenty a day, {round}");
            app.turn_clock(Duration::from_mins(10));
            drop(code);
        }
        app.turn_clock(Duration::from_hours(24));
        assert_eq!(call("request", "", home()).await.status, 200);
        let code = code_in(&app.mails().await);
        assert_eq!(call("verify", &code, home()).await.status, 200, "{road}");
    }
}

#[tokio::test]
async fn a_used_up_reset_code_is_refused_as_a_reset() {
    let app = app_with("standard", &[("password.reset_by_code", "true")]).await;
    let confirm = |code: &str| json!({ "email": "ada@example.com", "code": code, "newPassword": "another long passphrase" });
    for _ in 0..5 {
        let wrong = app.post("/v1/auth/reset-code/verify", &confirm("000000")).send().await;
        assert_eq!(refused(&wrong), (400, "INVALID_CODE"));
    }
    for path in ["verify", "confirm"] {
        let answer =
            app.post(&format!("/v1/auth/reset-code/{path}"), &confirm("000000")).send().await;
        assert_eq!(refused(&answer), (429, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED"), "{path}");
        assert!(!answer.header("retry-after").is_empty());
    }
}
