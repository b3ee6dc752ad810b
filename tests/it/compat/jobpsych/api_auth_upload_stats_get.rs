//! `GET /api/auth/upload-stats`: the caller's quota in detail.

use serde_json::{Value, json};

use crate::compat::EMAIL;

use super::{jobpsych, jobpsych_with, uploaded};

const PATH: &str = "/api/auth/upload-stats";

fn stats(uploads: i64, limit: i64, percentage: i64) -> Value {
    json!({
        "success": true,
        "stats": {
            "email": EMAIL, "name": "John Doe", "totalUploads": uploads, "limit": limit,
            "remaining": limit - uploads, "percentage": percentage, "canUpload": uploads < limit,
        },
    })
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn the_figures_follow_the_uploads_up_to_the_limit() {
    let wire = jobpsych_with(&[("files.limit", "3")]).await;
    let session = wire.join_and_enter(EMAIL).await;
    for expected in [stats(0, 3, 0), stats(1, 3, 33), stats(2, 3, 66), stats(3, 3, 100)] {
        let answer = wire.get(PATH).bearer(&session.access).send().await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &expected));
        if expected["stats"]["canUpload"] == true {
            uploaded(&wire, &session, "cv.pdf").await;
        }
    }
}
