//! `GET /users/me/quota`: the caller's upload quota.

use serde_json::json;

use crate::support::{app, app_with};
use crate::v1::fixture::{Operation, Trail, person};

const GET: Operation = Operation("GET", "/users/me/quota");

#[tokio::test]
async fn it_is_the_configured_limit_until_an_administrator_sets_another() {
    let app = app_with("standard", &[("files.limit", "4")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    let quota = async || GET.on(&app).bearer(&ada).ok(200).await.body["data"].clone();
    assert_eq!(
        quota().await,
        json!({ "filesUploaded": 0, "limit": 4, "remaining": 4, "percentage": 0 })
    );
    let path = format!("/v1/admin/users/{}/quota", ada.id);
    for (body, expected) in [
        (
            json!({ "limit": 8, "filesUploaded": 2 }),
            json!({ "filesUploaded": 2, "limit": 8, "remaining": 6, "percentage": 25 }),
        ),
        (
            json!({ "limit": 1 }),
            json!({ "filesUploaded": 2, "limit": 1, "remaining": 0, "percentage": 100 }),
        ),
        (
            json!({ "limit": null }),
            json!({ "filesUploaded": 2, "limit": 4, "remaining": 2, "percentage": 50 }),
        ),
    ] {
        app.put(&path, &body).bearer(&root).ok(200).await;
        assert_eq!(quota().await, expected, "{body}");
    }
}

#[tokio::test]
async fn reading_it_leaves_no_record() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    GET.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(trail.left().await, [""; 0]);
}
