//! `POST /api/auth/refresh-token`: exchanges a refresh token for a new access token.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, WireApp, WireCall, names, text};

use super::{BAD_TOKEN, authbackend, authbackend_with, is_alive};

const PATH: &str = "/api/auth/refresh-token";

/// Without the headers of an API client: the document lists none for this call.
fn refresh<'a>(wire: &'a WireApp, token: &str) -> WireCall<'a> {
    wire.post(PATH)
        .without("x-app-id")
        .without("x-service-key")
        .json(&json!({ "refreshToken": token }))
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("refreshToken", Value::Null, "Refresh token is required"),
        ("refreshToken", json!(""), "Refresh token is required"),
        ("refreshToken", json!(7), "Refresh token must be a string"),
        ("refreshToken", long(513), "Refresh token must be at most 512 characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "refreshToken": "x" }), &bad).await;
    let empty = wire.post(PATH).body("text/plain", "").send().await;
    assert_eq!(wire.refusal(&empty), (400, "VALIDATION_ERROR", "Refresh token is required"));
}

#[tokio::test]
async fn the_response_has_an_access_token_and_the_refresh_token_stays() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    for _ in 0..3 {
        wire.app.turn_clock(Duration::from_hours(1));
        let answer = refresh(&wire, &session.refresh).send().await;
        assert_eq!(names(&answer.body), ["success", "message", "data"]);
        assert_eq!(names(&answer.body["data"]), ["token"]);
        assert!(answer.cookie().is_none());
        assert!(is_alive(&wire, &text(&answer, "/data/token")).await);
    }
}

#[tokio::test]
async fn a_token_that_is_no_refresh_token_of_this_server_is_a_401() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    for token in ["refresh-token-here", &session.access, &format!("{}x", session.refresh)] {
        let answer = refresh(&wire, token).send().await;
        assert_eq!(wire.refusal(&answer), BAD_TOKEN, "{token}");
    }
}

#[tokio::test]
async fn the_token_of_an_ended_session_or_a_locked_account_is_a_401() {
    let wire = authbackend().await;
    let (ended, of_locked) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    assert_eq!(wire.post("/api/auth/logout").bearer(&ended.access).send().await.status, 200);
    assert_eq!(wire.refusal(&refresh(&wire, &ended.refresh).send().await), BAD_TOKEN);
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&refresh(&wire, &of_locked.refresh).send().await), BAD_TOKEN);
}

#[tokio::test]
async fn a_token_lives_seven_days_from_its_last_use() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let week = Duration::from_hours(7 * 24);
    for _ in 0..2 {
        wire.app.turn_clock(Duration::from_secs(7 * 24 * 3600 - 1));
        assert_eq!(refresh(&wire, &session.refresh).send().await.status, 200);
    }
    wire.app.turn_clock(week);
    let (answer, recorded) = wire.recorded(refresh(&wire, &session.refresh)).await;
    assert_eq!(wire.refusal(&answer), BAD_TOKEN);
    assert_eq!(recorded, ["session_ended done expired"]);
}

#[tokio::test]
async fn thirty_failures_in_a_minute_are_allowed_and_one_more_every_two_seconds() {
    let wire = authbackend_with(&[]).await;
    let call = |nth| refresh(&wire, &format!("token{nth}"));
    wire.is_limited(&call, 30, 2, "Too many requests. Try again in 1 minute.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| refresh(&wire, "x");
    wire.has_its_own_limit(Method::POST, PATH, &call, 30).await;
    assert_eq!(wire.refusal(&refresh(&wire, "x").from("192.0.2.9").send().await), BAD_TOKEN);
}
