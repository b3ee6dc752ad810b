//! `GET /api/files`: the caller's files.

use crate::compat::{EMAIL, MINUTE, names};

use super::{jobpsych, uploaded};

const PATH: &str = "/api/files";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn the_newest_comes_first_and_no_content_is_in_it() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    for name in ["first.pdf", "second.pdf"] {
        uploaded(&wire, &session, name).await;
        wire.app.turn_clock(MINUTE);
    }
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(names(&answer.body), ["success", "files"]);
    let files = answer.body["files"].as_array().unwrap();
    assert_eq!(
        files.iter().map(|file| file["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["second.pdf", "first.pdf"]
    );
    assert_eq!(names(&files[0]), ["id", "name", "size", "type", "uploadedAt"]);
}

#[tokio::test]
async fn another_account_s_files_are_not_in_it() {
    let wire = jobpsych().await;
    let (session, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    uploaded(&wire, &other, "cv.pdf").await;
    let answer = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(answer.body["files"].as_array().unwrap().len(), 0);
}
