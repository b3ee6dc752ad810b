//! `POST /api/auth/logout`: ends the caller's session.

use serde_json::json;

use crate::compat::checks::long;
use crate::compat::{EMAIL, names};

use super::{done, siteworks};

const PATH: &str = "/api/auth/logout";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = siteworks().await;
    wire.needs_a_session(&|| wire.post(PATH).json(&json!({ "refreshToken": "x" }))).await;
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let bad = [
        ("refreshToken", json!(7), "Refresh token must be a string"),
        ("refreshToken", long(513), "Refresh token must be at most 512 characters"),
    ];
    let call = || wire.post(PATH).bearer(&session.access);
    wire.refuses_fields(&call, &json!({ "refreshToken": "x" }), &bad).await;
    assert_eq!(
        wire.get("/api/auth/profile").bearer(&session.access).send().await.status,
        200,
        "still logged in"
    );
}

#[tokio::test]
async fn a_body_is_not_required_and_one_without_a_token_is_accepted() {
    let wire = siteworks().await;
    wire.join(EMAIL).await;
    for (content_type, body) in [
        ("text/plain", ""),
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json", "{\"refreshToken\":null}"),
        ("application/json", "{\"refreshToken\":\"not one of ours\"}"),
    ] {
        let session = wire.enter(EMAIL).await;
        let answer = wire.post(PATH).bearer(&session.access).body(content_type, body).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.body),
            (200, done("Logged out successfully")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_session_of_the_refresh_token_ends_too_and_both_are_recorded() {
    let wire = siteworks().await;
    let (here, there) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let call = wire.post(PATH).bearer(&here.access).json(&json!({ "refreshToken": there.refresh }));
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!(names(&answer.body), ["success", "message"]);
    assert_eq!(recorded, ["session_ended done logout", "session_ended done logout"]);
    let gone = wire.get("/api/auth/profile").bearer(&there.access).send().await;
    assert_eq!(wire.refusal(&gone).1, "INVALID_TOKEN");
}

#[tokio::test]
async fn the_refresh_token_of_the_same_session_is_recorded_once() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let call =
        wire.post(PATH).bearer(&session.access).json(&json!({ "refreshToken": session.refresh }));
    assert_eq!(wire.recorded(call).await.1, ["session_ended done logout"]);
}

#[tokio::test]
async fn another_account_s_refresh_token_stays_valid() {
    let wire = siteworks().await;
    let (own, foreign) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    let call =
        wire.post(PATH).bearer(&own.access).json(&json!({ "refreshToken": foreign.refresh }));
    assert_eq!(wire.recorded(call).await.1, ["session_ended done logout"]);
    let refreshed = wire
        .post("/api/auth/refresh")
        .json(&json!({ "refreshToken": foreign.refresh }))
        .send()
        .await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
}
