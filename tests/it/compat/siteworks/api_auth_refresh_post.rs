//! `POST /api/auth/refresh`: exchanges a refresh token for a new pair.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, Session, WireApp, WireCall, names, session_of};

use super::{siteworks, siteworks_with};

const PATH: &str = "/api/auth/refresh";
const INVALID: (u16, &str, &str) =
    (401, "INVALID_REFRESH_TOKEN", "Invalid or expired refresh token");

fn refresh<'a>(wire: &'a WireApp, token: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "refreshToken": token }))
}

async fn renewed(wire: &WireApp, token: &str) -> Session {
    let answer = refresh(wire, token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    session_of(&answer)
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = siteworks().await;
    let bad = [
        ("refreshToken", Value::Null, "Refresh token is required"),
        ("refreshToken", json!(""), "Refresh token is required"),
        ("refreshToken", json!(7), "Refresh token must be a string"),
        ("refreshToken", long(513), "Refresh token must be at most 512 characters"),
        ("refreshToken", json!("a\u{7f}"), "Refresh token must not contain control characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "refreshToken": "x" }), &bad).await;
}

#[tokio::test]
async fn an_empty_body_of_any_content_type_lacks_the_token() {
    let wire = siteworks().await;
    for content_type in ["application/json", "text/plain"] {
        let answer = wire.post(PATH).body(content_type, "").send().await;
        assert_eq!(wire.refusal(&answer), (400, "VALIDATION_ERROR", "Refresh token is required"));
    }
}

#[tokio::test]
async fn a_token_that_is_no_refresh_token_of_this_server_is_invalid() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    for token in
        ["refresh_token", &session.access, &format!("{}x", session.refresh), &session.refresh[1..]]
    {
        assert_eq!(wire.refusal(&refresh(&wire, token).send().await), INVALID, "{token}");
    }
    renewed(&wire, &session.refresh).await;
}

#[tokio::test]
async fn the_token_of_an_ended_session_or_a_deactivated_account_is_invalid() {
    let wire = siteworks().await;
    let (ended, of_deactivated) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    assert_eq!(wire.post("/api/auth/logout").bearer(&ended.access).send().await.status, 200);
    assert_eq!(wire.refusal(&refresh(&wire, &ended.refresh).send().await), INVALID);
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&refresh(&wire, &of_deactivated.refresh).send().await), INVALID);
}

#[tokio::test]
async fn a_token_lives_seven_days() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let week = Duration::from_hours(7 * 24);
    wire.app.turn_clock(Duration::from_secs(7 * 24 * 3600 - 1));
    let session = renewed(&wire, &session.refresh).await;
    wire.app.turn_clock(week);
    let (answer, recorded) = wire.recorded(refresh(&wire, &session.refresh)).await;
    assert_eq!(wire.refusal(&answer), INVALID);
    assert_eq!(recorded, ["session_ended done expired"]);
}

#[tokio::test]
async fn a_used_token_gives_the_same_successor_for_thirty_seconds() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let first = renewed(&wire, &session.refresh).await;
    wire.app.turn_clock(Duration::from_secs(30));
    assert_eq!(renewed(&wire, &session.refresh).await.refresh, first.refresh);
}

#[tokio::test]
async fn a_used_token_that_comes_later_ends_the_session() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let next = renewed(&wire, &session.refresh).await;
    wire.app.turn_clock(Duration::from_secs(31));
    let (answer, recorded) = wire.recorded(refresh(&wire, &session.refresh)).await;
    assert_eq!(wire.refusal(&answer), INVALID);
    assert_eq!(recorded, ["refresh_reused refused", "session_ended done reuse"]);
    assert_eq!(wire.refusal(&refresh(&wire, &next.refresh).send().await), INVALID);
    let profile = wire.get("/api/auth/profile").bearer(&next.access).send().await;
    assert_eq!(wire.refusal(&profile), (401, "INVALID_TOKEN", "Invalid token"));
}

#[tokio::test]
async fn the_response_has_the_tokens_and_nothing_else() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = refresh(&wire, &session.refresh).send().await;
    assert_eq!(names(&answer.body), ["success", "message", "tokens"]);
    assert_eq!(names(&answer.body["tokens"]), ["accessToken", "refreshToken", "expiresAt"]);
    assert!(answer.cookie().is_none());
}

#[tokio::test]
async fn twenty_failures_in_fifteen_minutes_are_allowed() {
    let wire = siteworks_with(&[]).await;
    let call = |nth| refresh(&wire, &format!("token{nth}"));
    wire.is_limited(&call, 20, 900, "Too many requests. Try again in 15 minutes.").await;
}

#[tokio::test]
async fn a_refresh_that_succeeds_is_not_counted() {
    let wire = siteworks_with(&[("limits.refresh.count", "1")]).await;
    let mut session = wire.join_and_enter(EMAIL).await;
    for _ in 0..5 {
        session = renewed(&wire, &session.refresh).await;
    }
    assert_eq!(wire.refusal(&refresh(&wire, "x").send().await), INVALID);
    assert_eq!(refresh(&wire, &session.refresh).send().await.status, 429, "used up by the failure");
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = siteworks_with(&[]).await;
    let call = |_| refresh(&wire, "x");
    wire.has_its_own_limit(Method::POST, PATH, &call, 20).await;
    assert_eq!(wire.refusal(&refresh(&wire, "x").from("192.0.2.9").send().await), INVALID);
}
