//! `DELETE /api/files/{id}`: deletes one of the caller's files.

use crate::compat::EMAIL;

use super::{done, jobpsych, uploaded};

const NOT_FOUND: (u16, &str, &str) = (404, "NOT_FOUND", "Resource not found");

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.delete("/api/files/1")).await;
}

#[tokio::test]
async fn a_file_is_gone_at_once_and_its_deletion_is_recorded() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let id = uploaded(&wire, &session, "cv.pdf").await;
    let call = || wire.delete(&format!("/api/files/{id}")).bearer(&session.access);
    let (answer, recorded) = wire.recorded(call()).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("File deleted successfully")));
    assert_eq!(recorded, [format!("file_deleted done {id}")]);
    let (again, recorded) = wire.recorded(call()).await;
    assert_eq!(wire.refusal(&again), NOT_FOUND);
    assert!(recorded.is_empty(), "{recorded:?}");
}

#[tokio::test]
async fn a_deletion_gives_no_quota_back() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let id = uploaded(&wire, &session, "cv.pdf").await;
    assert_eq!(
        wire.delete(&format!("/api/files/{id}")).bearer(&session.access).send().await.status,
        200
    );
    let profile = wire.get("/api/auth/profile").bearer(&session.access).send().await;
    assert_eq!(profile.body["user"]["filesUploaded"], 1);
}

#[tokio::test]
async fn another_account_s_file_stays() {
    let wire = jobpsych().await;
    let (session, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    let path = format!("/api/files/{}", uploaded(&wire, &session, "cv.pdf").await);
    assert_eq!(wire.refusal(&wire.delete(&path).bearer(&other.access).send().await), NOT_FOUND);
    assert_eq!(wire.get(&path).bearer(&session.access).send().await.status, 200);
}
