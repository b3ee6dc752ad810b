//! `POST /admin/apps/{appId}/rotate`: another key for an app.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, keys, person};

const ROTATE: Operation = Operation("POST", "/admin/apps/{appId}/rotate");
/// A call that a service's key opens.
const INFO: &str = "/v1/service/jwt-info";

#[tokio::test]
async fn an_app_that_does_not_exist_is_not_found() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    ROTATE.at(&app, &["unknown"]).bearer(&root).refused(404, "NOT_FOUND").await;
}

#[tokio::test]
async fn the_previous_key_stops_working_and_it_is_recorded_without_the_key() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "name": "Uploads", "kind": "service" });
    let made = app.post("/v1/admin/apps", &body).bearer(&root).ok(201).await;
    let (id, old) =
        (made.body["data"]["id"].as_str().unwrap(), made.body["data"]["key"].as_str().unwrap());
    app.get(INFO).header("x-service-key", old).ok(200).await;
    let mut trail = Trail::begin(&app).await;
    let rotated = ROTATE.at(&app, &[id]).bearer(&root).ok(200).await;
    assert_eq!(keys(&rotated.body["data"]), "id name kind createdAt rotatedAt key");
    assert_eq!(trail.left_by(Some(&root.id), None).await, [format!("app_key_rotated done {id}")]);
    app.get(INFO).header("x-service-key", old).refused(403, "INSUFFICIENT_PERMISSIONS").await;
    app.get(INFO)
        .header("x-service-key", rotated.body["data"]["key"].as_str().unwrap())
        .ok(200)
        .await;
}
