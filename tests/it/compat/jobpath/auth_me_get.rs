//! `GET /auth/me`: the caller's account.

use crate::compat::{EMAIL, names};

use super::jobpath;

const PATH: &str = "/auth/me";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpath().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn the_response_has_three_fields_and_no_secret() {
    let wire = jobpath().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(names(&answer.body), ["id", "email", "is_active"]);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_token_in_the_query_or_the_body_is_not_looked_at() {
    let wire = jobpath().await;
    let session = wire.join_and_enter(EMAIL).await;
    let in_query = wire.get(&format!("{PATH}?access_token={}", session.access)).send().await;
    assert_eq!(wire.refusal(&in_query), (401, "invalid_token", "Not authenticated"));
    let in_cookie =
        wire.get(PATH).header("cookie", &format!("access_token={}", session.access)).send().await;
    assert_eq!(wire.refusal(&in_cookie), (401, "invalid_token", "Not authenticated"));
}
