//! `DELETE /api/auth/sessions/{sessionId}`: ends one of the caller's sessions.

use crate::compat::{EMAIL, Session, WireApp, text};

use super::{authbackend, done, is_alive};

const NOT_FOUND: (u16, &str, &str) = (404, "NOT_FOUND", "Session not found");

/// The path of the caller's own session.
async fn path_of(wire: &WireApp, session: &Session) -> String {
    let listed = wire.get("/api/auth/sessions").bearer(&session.access).send().await;
    let rows = listed.body["data"]["sessions"].as_array().unwrap();
    let own = rows.iter().position(|row| row["isCurrent"] == true).unwrap();
    format!("/api/auth/sessions/{}", text(&listed, &format!("/data/sessions/{own}/sessionId")))
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.delete("/api/auth/sessions/session-1")).await;
}

#[tokio::test]
async fn one_session_ends_and_the_others_stay() {
    let wire = authbackend().await;
    let (here, there) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let path = path_of(&wire, &there).await;
    let (answer, recorded) = wire.recorded(wire.delete(&path).bearer(&here.access)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (200, done("Session terminated successfully"))
    );
    assert_eq!(recorded, ["session_ended done revoked"]);
    assert_eq!(
        (is_alive(&wire, &here.access).await, is_alive(&wire, &there.access).await),
        (true, false)
    );
}

#[tokio::test]
async fn the_caller_s_own_session_can_be_ended() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let path = path_of(&wire, &session).await;
    assert_eq!(wire.delete(&path).bearer(&session.access).send().await.status, 200);
    assert!(!is_alive(&wire, &session.access).await);
}

#[tokio::test]
async fn an_unknown_or_ended_session_is_not_found_and_nothing_is_recorded() {
    let wire = authbackend().await;
    let (here, there) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let ended = path_of(&wire, &there).await;
    assert_eq!(wire.post("/api/auth/logout").bearer(&there.access).send().await.status, 200);
    for path in [ended.as_str(), "/api/auth/sessions/session-1", "/api/auth/sessions/%27"] {
        let (answer, recorded) = wire.recorded(wire.delete(path).bearer(&here.access)).await;
        assert_eq!(wire.refusal(&answer), NOT_FOUND, "{path}");
        assert!(recorded.is_empty(), "{recorded:?}");
    }
}

#[tokio::test]
async fn another_account_s_session_is_not_found_and_stays() {
    let wire = authbackend().await;
    let (own, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    let path = path_of(&wire, &other).await;
    assert_eq!(wire.refusal(&wire.delete(&path).bearer(&own.access).send().await), NOT_FOUND);
    assert!(is_alive(&wire, &other.access).await);
}
