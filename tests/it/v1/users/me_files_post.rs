//! `POST /users/me/files`: a file of the caller, counted against the quota.

use serde_json::json;

use crate::support::{Answer, App, app, app_with};
use crate::v1::fixture::{Operation, PDF, Person, Trail, keys, person};

const UPLOAD: Operation = Operation("POST", "/users/me/files");

async fn upload(app: &App, person: &Person, part: &str) -> Answer {
    let body = format!("--x\r\n{part}\r\n--x--\r\n");
    UPLOAD.on(app).body("multipart/form-data; boundary=x", body).bearer(person).send().await
}

fn part(field: &str, name: &str, content: &str) -> String {
    format!(
        "content-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n{content}"
    )
}

#[tokio::test]
async fn the_part_must_be_a_named_file_with_content() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    for wrong in [
        part("other", "cv.pdf", PDF),
        part("file", "", PDF),
        part("file", "cv.pdf", ""),
        format!("content-disposition: form-data; name=\"file\"\r\n\r\n{PDF}"),
        String::new(),
    ] {
        let refused = upload(&app, &ada, &wrong).await.refused(400, "VALIDATION_ERROR");
        assert!(!refused.text.contains("%PDF"), "{}", refused.text);
    }
}

#[tokio::test]
async fn the_content_must_be_of_a_supported_kind_and_match_the_name() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    for (name, content) in [
        ("cv.png", PDF),
        ("cv.pdf", "MZ\u{1}"),
        ("cv", "\u{1}ELF"),
        ("cv.txt", PDF),
        ("evil.html", "<script>alert(1)</script>"),
        ("cv.exe", "plain text"),
        ("cv", "plain text"),
        ("cv.", "plain text"),
    ] {
        upload(&app, &ada, &part("file", name, content))
            .await
            .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let json = UPLOAD.on(&app).json(&json!({ "file": "x" })).bearer(&ada).send().await;
    json.refused(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn the_configuration_says_which_kinds_are_accepted() {
    let app = app_with("standard", &[("files.kinds", "png,txt")]).await;
    let ada = person(&app, "ada", &[]).await;
    let refused = upload(&app, &ada, &part("file", "cv.pdf", PDF)).await;
    let refused = refused.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(refused.body["error"]["message"], "Expected a PNG or TXT file");
    upload(&app, &ada, &part("file", "CV.TXT", "plain text")).await.ok(201);
}

#[tokio::test]
async fn a_file_above_the_size_is_refused_and_not_counted() {
    let app = app_with("standard", &[("files.size", "100")]).await;
    let ada = person(&app, "ada", &[]).await;
    let large = part("file", "cv.pdf", &format!("{PDF}{}", "x".repeat(100)));
    upload(&app, &ada, &large).await.refused(413, "PAYLOAD_TOO_LARGE");
    let quota = app.get("/v1/users/me/quota").bearer(&ada).ok(200).await;
    assert_eq!(quota.body["data"]["filesUploaded"], 0);
}

#[tokio::test]
async fn a_used_up_quota_refuses_its_account_and_no_other() {
    let app = app_with("standard", &[("files.limit", "1")]).await;
    let (ada, bob) = (person(&app, "ada", &[]).await, person(&app, "bob", &[]).await);
    let file = part("file", "cv.pdf", PDF);
    upload(&app, &ada, &file).await.ok(201);
    upload(&app, &ada, &file).await.refused(429, "UPLOAD_LIMIT_REACHED");
    upload(&app, &bob, &file).await.ok(201);
    let list = app.get("/v1/users/me/files").bearer(&ada).ok(200).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn it_is_recorded_and_the_response_has_the_documented_fields() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let made = upload(&app, &ada, &part("file", "cv.pdf", PDF)).await.ok(201);
    let data = &made.body["data"];
    assert_eq!(made.body["message"], "File uploaded successfully");
    assert_eq!(keys(data), "file quota");
    assert_eq!(keys(&data["file"]), "id name size type uploadedAt");
    assert_eq!(keys(&data["quota"]), "filesUploaded limit remaining percentage");
    let record = format!("file_uploaded done {}", data["file"]["id"].as_str().unwrap());
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, [record]);
}
