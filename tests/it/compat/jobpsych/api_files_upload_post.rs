//! `POST /api/files/upload`: stores a file and counts it.

use serde_json::json;

use crate::compat::{EMAIL, names, text};

use super::{PDF, code, jobpsych, jobpsych_with, upload};

const PATH: &str = "/api/files/upload";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.post(PATH).body("multipart/form-data; boundary=x", "--x--\r\n"))
        .await;
}

#[tokio::test]
async fn a_body_without_the_file_is_refused() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let field = "--x\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\nhello\r\n--x--\r\n";
    let multipart = "multipart/form-data; boundary=x";
    for (content_type, body, expected) in [
        ("application/json", "{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (multipart, "--x--\r\n", (400, "VALIDATION_ERROR")),
        (multipart, field, (400, "VALIDATION_ERROR")),
        (multipart, "--x\r\nrubbish", (400, "VALIDATION_ERROR")),
    ] {
        let answer = wire.post(PATH).bearer(&session.access).body(content_type, body).send().await;
        assert_eq!(code(&wire, &answer), expected, "{body}");
    }
}

#[tokio::test]
async fn an_empty_file_is_refused() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = upload(&wire, &session, "cv.pdf", b"").send().await;
    assert_eq!(code(&wire, &answer), (400, "VALIDATION_ERROR"));
    assert_eq!(wire.rows(&answer).len(), 1);
}

#[tokio::test]
async fn a_name_has_1_to_255_characters() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = upload(&wire, &session, &format!("{}.pdf", "x".repeat(252)), PDF).send().await;
    assert_eq!(code(&wire, &answer), (422, "VALIDATION_ERROR"));
    let answer = upload(&wire, &session, &format!("{}.pdf", "x".repeat(251)), PDF).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[tokio::test]
async fn content_that_is_none_of_the_kinds_or_not_what_its_name_says_is_a_415() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    for (name, content) in [
        ("cv.pdf", b"MZ\x90\0\x03".as_slice()),
        ("cv.png", PDF),
        ("cv.docx", b"PK\x03\x04 some archive"),
    ] {
        let (answer, recorded) = wire.recorded(upload(&wire, &session, name, content)).await;
        assert_eq!(code(&wire, &answer), (415, "UNSUPPORTED_MEDIA_TYPE"), "{name}");
        assert!(recorded.is_empty(), "{recorded:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_a_413_and_leaves_nothing_behind() {
    let wire = jobpsych_with(&[("files.size", "1000")]).await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = upload(&wire, &session, "cv.pdf", &[PDF, &[b'x'; 1000]].concat()).send().await;
    assert_eq!(code(&wire, &answer), (413, "PAYLOAD_TOO_LARGE"));
    let stats = wire.get("/api/files/stats").bearer(&session.access).send().await;
    assert_eq!(
        (&stats.body["stats"]["totalFiles"], &stats.body["stats"]["remaining"]),
        (&json!(0), &json!(10))
    );
}

#[tokio::test]
async fn a_file_beyond_the_quota_is_refused_and_not_stored() {
    let wire = jobpsych_with(&[("files.limit", "1")]).await;
    let (session, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    assert_eq!(upload(&wire, &session, "cv.pdf", PDF).send().await.body["remaining"], 0);
    let (answer, recorded) = wire.recorded(upload(&wire, &session, "cv.pdf", PDF)).await;
    assert_eq!(code(&wire, &answer), (429, "UPLOAD_LIMIT_REACHED"));
    assert!(recorded.is_empty(), "{recorded:?}");
    let files = wire.get("/api/files").bearer(&session.access).send().await;
    assert_eq!(files.body["files"].as_array().unwrap().len(), 1);
    assert_eq!(
        upload(&wire, &other, "cv.pdf", PDF).send().await.status,
        201,
        "another account's quota"
    );
}

#[tokio::test]
async fn the_name_has_no_folder_and_the_upload_is_recorded() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let (answer, recorded) = wire.recorded(upload(&wire, &session, "../../etc/cv.pdf", PDF)).await;
    assert_eq!(
        names(&answer.body),
        ["success", "message", "file", "filesUploaded", "limit", "remaining"]
    );
    assert_eq!(names(&answer.body["file"]), ["id", "name", "size", "type", "uploadedAt"]);
    assert_eq!(answer.body["file"]["name"], "cv.pdf");
    assert_eq!(recorded, [format!("file_uploaded done {}", text(&answer, "/file/id"))]);
}
