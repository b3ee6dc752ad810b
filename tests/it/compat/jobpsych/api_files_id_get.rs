//! `GET /api/files/{id}`: the content of one of the caller's files.

use crate::compat::{EMAIL, WireApp};
use crate::support::Answer;

use super::{jobpsych, uploaded};

fn is_not_found(wire: &WireApp, answer: &Answer) {
    assert_eq!(wire.refusal(answer), (404, "NOT_FOUND", "Resource not found"));
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.get("/api/files/1")).await;
}

#[tokio::test]
async fn a_file_is_an_attachment_that_no_browser_renders() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let id = uploaded(&wire, &session, "cv.pdf").await;
    let answer = wire.get(&format!("/api/files/{id}")).bearer(&session.access).send().await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "%PDF-1.7 hello"));
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"cv.pdf\""));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn another_account_s_file_is_not_found() {
    let wire = jobpsych().await;
    let (session, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    let id = uploaded(&wire, &session, "cv.pdf").await;
    is_not_found(&wire, &wire.get(&format!("/api/files/{id}")).bearer(&other.access).send().await);
}

#[tokio::test]
async fn an_unknown_or_deleted_file_is_not_found() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let path = format!("/api/files/{}", uploaded(&wire, &session, "cv.pdf").await);
    assert_eq!(wire.delete(&path).bearer(&session.access).send().await.status, 200);
    for path in [path.as_str(), "/api/files/nothing", "/api/files/%27"] {
        is_not_found(&wire, &wire.get(path).bearer(&session.access).send().await);
    }
}
