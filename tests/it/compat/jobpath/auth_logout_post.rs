//! `POST /auth/logout`: revokes the caller's token.

use serde_json::json;

use crate::compat::EMAIL;

use super::jobpath;

const PATH: &str = "/auth/logout";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpath().await;
    wire.needs_a_session(&|| wire.post(PATH)).await;
}

#[tokio::test]
async fn the_token_ends_and_the_account_s_other_tokens_stay() {
    let wire = jobpath().await;
    let (here, there) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let (answer, recorded) = wire.recorded(wire.post(PATH).bearer(&here.access)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (200, json!({ "message": "Logged out successfully" }))
    );
    assert_eq!(recorded, ["session_ended done logout"]);
    let me = wire.get("/auth/me").bearer(&here.access).send().await;
    assert_eq!(wire.refusal(&me), (401, "invalid_token", "Invalid or expired token"));
    assert_eq!(wire.get("/auth/me").bearer(&there.access).send().await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_cannot_log_out_again_and_nothing_is_recorded() {
    let wire = jobpath().await;
    let session = wire.join_and_enter(EMAIL).await;
    assert_eq!(wire.post(PATH).bearer(&session.access).send().await.status, 200);
    let (answer, recorded) = wire.recorded(wire.post(PATH).bearer(&session.access)).await;
    assert_eq!(wire.refusal(&answer), (401, "invalid_token", "Invalid or expired token"));
    assert!(recorded.is_empty(), "{recorded:?}");
}

#[tokio::test]
async fn an_empty_body_of_any_content_type_is_accepted() {
    let wire = jobpath().await;
    wire.join(EMAIL).await;
    for content_type in ["application/json", "text/plain"] {
        let session = wire.enter(EMAIL).await;
        let answer = wire.post(PATH).bearer(&session.access).body(content_type, "").send().await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.text);
    }
}
