//! `GET /api/auth/profile`: the caller's account.

use serde_json::json;

use crate::compat::{EMAIL, LOOPBACK, names};
use crate::support;

use super::{jobpsych, uploaded};

const PATH: &str = "/api/auth/profile";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn the_response_has_the_account_and_no_secret() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(names(&answer.body), ["success", "user"]);
    assert_eq!(
        names(&answer.body["user"]),
        ["id", "name", "email", "company_name", "filesUploaded"]
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn it_counts_the_caller_s_uploads() {
    let wire = jobpsych().await;
    let (session, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    uploaded(&wire, &session, "cv.pdf").await;
    for (session, count) in [(&session, 1), (&other, 0)] {
        let answer = wire.get(PATH).bearer(&session.access).send().await;
        assert_eq!(answer.body["user"]["filesUploaded"], count);
    }
}

#[tokio::test]
async fn an_account_made_elsewhere_has_an_empty_company() {
    let wire = jobpsych().await;
    crate::admin::make(&wire.app, "ada", &[]).await;
    let session = wire.enter_from("ada@example.com", support::PASSWORD, LOOPBACK).await;
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(
        (&answer.body["user"]["company_name"], &answer.body["user"]["name"]),
        (&json!(""), &json!("Given Family"))
    );
}
