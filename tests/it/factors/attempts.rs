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
