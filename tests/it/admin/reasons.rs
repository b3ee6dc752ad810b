//! The reason that an administrator gives for a call of the API.

use poem::http::Method;
use serde_json::json;

use super::make;
use crate::support::{PASSWORD, app};
use crate::v1::fixture::{native_document, person};

#[tokio::test]
async fn a_reason_in_the_header_is_in_the_record_and_not_in_that_of_the_owner() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    let reason_of = async |event: &str| {
        let found = app.records().await.into_iter().rfind(|record| record.event == event);
        found.unwrap_or_else(|| panic!("no {event}")).reason
    };
    let path = format!("/v1/admin/users/{}", ada.id);
    let rename = json!({ "firstName": "Ada" });
    app.put(&path, &rename).header("x-reason", "asked\tfor it ").bearer(&root).ok(200).await;
    assert_eq!(reason_of("account_changed").await.as_deref(), Some("asked for it"));
    let suspend = json!({ "status": "suspended" });
    app.put(&path, &suspend).header("x-reason", "Gr%C3%BC%C3%9Fe").bearer(&root).ok(200).await;
    assert_eq!(reason_of("suspended").await.as_deref(), Some("Grüße"));
    app.put(&path, &json!({ "status": "active" })).bearer(&root).ok(200).await;
    let role = json!({ "name": "support", "permissions": [] });
    let long = "a".repeat(300);
    app.post("/v1/admin/roles", &role).header("x-reason", &long).bearer(&root).ok(201).await;
    assert_eq!(reason_of("role_created").await, Some("a".repeat(200)));
    app.call(Method::DELETE, "/v1/admin/roles/support").bearer(&root).ok(200).await;
    assert_eq!(reason_of("role_deleted").await, None);
    let access = app.login("ada", PASSWORD).await.tokens().access;
    let own = app.get("/v1/users/me/audit").bearer(&access).ok(200).await;
    assert!(own.text.contains("account_changed"), "{}", own.text);
    assert!(!own.text.contains("asked"), "{}", own.text);
}

#[tokio::test]
async fn every_operation_that_is_recorded_takes_a_reason() {
    let app = app().await;
    make(&app, "root", &["admin"]).await;
    let document = native_document(&app).await;
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let is_recorded = verb != "get" && !operation["x-permission"].is_null();
            let takes = operation["parameters"].to_string().contains("X-Reason");
            let is_download = operation["operationId"] == "downloadBackup";
            assert_eq!(takes, is_recorded || is_download, "{verb} {path}: {operation}");
            count += usize::from(takes);
        }
    }
    assert!(count > 20, "{count}");
}
