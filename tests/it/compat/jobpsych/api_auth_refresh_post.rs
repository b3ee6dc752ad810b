//! `POST /api/auth/refresh`: exchanges the refresh cookie for a new one and an access token.

use std::time::Duration;

use poem::http::Method;
use serde_json::json;

use crate::compat::{EMAIL, Session, WireApp, names, session_of};

use super::{DEAD_TOKEN, FORBIDDEN, code, jobpsych, jobpsych_with};

const PATH: &str = "/api/auth/refresh";
const INVALID: (u16, &str, &str) =
    (401, "TOKEN_VERIFICATION_FAILED", "Invalid or expired refresh token");

async fn renewed(wire: &WireApp, token: &str) -> Session {
    let answer = wire.post(PATH).cookie(token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    session_of(&answer)
}

#[tokio::test]
async fn only_the_cookie_is_looked_at() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let body = json!({ "refreshToken": session.refresh });
    for call in [
        wire.post(PATH),
        wire.post(PATH).body("text/plain", ""),
        wire.post(PATH).json(&body),
        wire.post(PATH).bearer(&session.refresh),
        wire.post(PATH).header("cookie", &format!("refresh={}", session.refresh)),
    ] {
        let answer = call.send().await;
        assert_eq!(
            wire.refusal(&answer),
            (401, "TOKEN_VERIFICATION_FAILED", "Refresh token is required")
        );
    }
    renewed(&wire, &session.refresh).await;
}

#[tokio::test]
async fn a_cookie_that_is_no_refresh_token_of_this_server_is_invalid() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    for token in ["x", &session.access, &format!("{}x", session.refresh), &session.refresh[1..]] {
        assert_eq!(wire.refusal(&wire.post(PATH).cookie(token).send().await), INVALID, "{token}");
    }
}

#[tokio::test]
async fn the_cookie_of_an_ended_session_or_a_suspended_account_is_invalid() {
    let wire = jobpsych().await;
    let (ended, of_suspended) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    assert_eq!(wire.post("/api/auth/logout").bearer(&ended.access).send().await.status, 200);
    assert_eq!(wire.refusal(&wire.post(PATH).cookie(&ended.refresh).send().await), INVALID);
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&wire.post(PATH).cookie(&of_suspended.refresh).send().await), INVALID);
}

#[tokio::test]
async fn a_cookie_lives_seven_days() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let week = Duration::from_hours(7 * 24);
    wire.app.turn_clock(Duration::from_secs(7 * 24 * 3600 - 1));
    let session = renewed(&wire, &session.refresh).await;
    wire.app.turn_clock(week);
    let (answer, recorded) = wire.recorded(wire.post(PATH).cookie(&session.refresh)).await;
    assert_eq!(wire.refusal(&answer), INVALID);
    assert_eq!(recorded, ["session_ended done expired"]);
}

#[tokio::test]
async fn a_used_cookie_gives_the_same_successor_for_thirty_seconds_and_then_ends_the_session() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let next = renewed(&wire, &session.refresh).await;
    wire.app.turn_clock(Duration::from_secs(30));
    assert_eq!(renewed(&wire, &session.refresh).await.refresh, next.refresh);
    wire.app.turn_clock(Duration::from_secs(1));
    let (answer, recorded) = wire.recorded(wire.post(PATH).cookie(&session.refresh)).await;
    assert_eq!(wire.refusal(&answer), INVALID);
    assert_eq!(recorded, ["refresh_reused refused", "session_ended done reuse"]);
    let profile = wire.get("/api/auth/profile").bearer(&next.access).send().await;
    assert_eq!(wire.refusal(&profile), DEAD_TOKEN);
}

#[tokio::test]
async fn the_response_has_an_access_token_and_the_cookie_its_successor() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = wire.post(PATH).cookie(&session.refresh).send().await;
    assert_eq!(names(&answer.body), ["success", "message", "accessToken"]);
    let cookie = answer.cookie().unwrap();
    assert!(cookie != session.refresh && !answer.text.contains(&cookie));
    assert!(answer.header("set-cookie").contains("Path=/api/auth"));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let answer = wire.post(PATH).cookie(&session.refresh).header(name, value).send().await;
        assert_eq!(code(&wire, &answer), FORBIDDEN, "{name}");
        assert!(answer.cookie().is_none());
    }
    wire.app.turn_clock(Duration::from_mins(5));
    renewed(&wire, &session.refresh).await;
}

#[tokio::test]
async fn thirty_failures_in_a_minute_are_allowed_and_one_more_every_two_seconds() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| wire.post(PATH).cookie(&format!("token{nth}"));
    wire.is_limited(&call, 30, 2, "Too many requests. Try again in 1 minute.").await;
}

#[tokio::test]
async fn a_refresh_that_succeeds_is_not_counted() {
    let wire = jobpsych_with(&[("limits.refresh.count", "1")]).await;
    let mut session = wire.join_and_enter(EMAIL).await;
    for _ in 0..5 {
        session = renewed(&wire, &session.refresh).await;
    }
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = jobpsych_with(&[]).await;
    let call = |_| wire.post(PATH).cookie("x");
    wire.has_its_own_limit(Method::POST, PATH, &call, 30).await;
    assert_eq!(wire.refusal(&wire.post(PATH).cookie("x").from("192.0.2.9").send().await), INVALID);
}
