//! `GET /admin/apps`: the registered apps, without their keys.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/apps");

#[tokio::test]
async fn an_app_has_the_documented_fields_and_no_key() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "name": "Uploads", "kind": "service" });
    let made = app.post("/v1/admin/apps", &body).bearer(&root).ok(201).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    assert_eq!(keys(&list.body["data"][0]), "id name kind createdAt rotatedAt");
    let key = made.body["data"]["key"].as_str().unwrap();
    assert!(
        !list.text.contains(key) && !list.text.contains("sk_") && !list.text.contains("hash"),
        "{}",
        list.text
    );
}
