//! `GET /api/files/stats`: how many files the caller has, and what is left of the quota.

use poem::http::Method;
use serde_json::json;

use crate::compat::EMAIL;

use super::{jobpsych, uploaded};

const PATH: &str = "/api/files/stats";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn a_deleted_file_takes_no_space_and_still_counts() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let first = uploaded(&wire, &session, "a.pdf").await;
    uploaded(&wire, &session, "b.pdf").await;
    for (files, size) in [(2, 28), (1, 14)] {
        let answer = wire.get(PATH).bearer(&session.access).send().await;
        let stats = json!({
            "totalFiles": files, "totalSize": size, "limit": 10, "remaining": 8, "percentage": 20,
        });
        assert_eq!(answer.body, json!({ "success": true, "stats": stats }));
        wire.call(Method::DELETE, &format!("/api/files/{first}"))
            .bearer(&session.access)
            .send()
            .await;
    }
}

#[tokio::test]
async fn another_account_s_files_do_not_count() {
    let wire = jobpsych().await;
    let (session, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    uploaded(&wire, &other, "cv.pdf").await;
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    let stats =
        json!({ "totalFiles": 0, "totalSize": 0, "limit": 10, "remaining": 10, "percentage": 0 });
    assert_eq!(answer.body["stats"], stats);
}
