//! `GET /api/auth/sessions`: the caller's sessions.

use serde_json::Value;

use crate::compat::{EMAIL, MINUTE, Session, WireApp, names};

use super::authbackend;

const PATH: &str = "/api/auth/sessions";

async fn listed(wire: &WireApp, session: &Session) -> Vec<Value> {
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(names(&answer.body), ["success", "data"], "{}", answer.text);
    assert_eq!(names(&answer.body["data"]), ["sessions"]);
    answer.body["data"]["sessions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn a_row_has_neither_an_address_nor_a_token() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let rows = listed(&wire, &session).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(names(&rows[0]), ["sessionId", "device", "lastActive", "isCurrent"]);
}

#[tokio::test]
async fn the_last_used_comes_first_and_the_caller_s_is_marked() {
    let wire = authbackend().await;
    let first = wire.join_and_enter(EMAIL).await;
    wire.app.turn_clock(MINUTE);
    let second = wire.enter(EMAIL).await;
    let marked =
        |rows: Vec<Value>| rows.iter().map(|row| row["isCurrent"] == true).collect::<Vec<_>>();
    assert_eq!(marked(listed(&wire, &first).await), [false, true]);
    assert_eq!(marked(listed(&wire, &second).await), [true, false]);
}

#[tokio::test]
async fn ended_sessions_and_those_of_others_are_not_in_it() {
    let wire = authbackend().await;
    let (gone, session) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    wire.join_and_enter("other@example.com").await;
    assert_eq!(listed(&wire, &session).await.len(), 2);
    assert_eq!(wire.post("/api/auth/logout").bearer(&gone.access).send().await.status, 200);
    assert_eq!(listed(&wire, &session).await.len(), 1);
}
