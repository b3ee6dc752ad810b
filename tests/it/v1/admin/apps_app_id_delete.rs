//! `DELETE /admin/apps/{appId}`: an app whose key opens nothing more.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, person};

const DELETE: Operation = Operation("DELETE", "/admin/apps/{appId}");

#[tokio::test]
async fn the_app_is_gone_with_its_key_and_it_is_recorded() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "name": "Uploads", "kind": "service" });
    let made = app.post("/v1/admin/apps", &body).bearer(&root).ok(201).await;
    let (id, key) =
        (made.body["data"]["id"].as_str().unwrap(), made.body["data"]["key"].as_str().unwrap());
    let mut trail = Trail::begin(&app).await;
    let done = DELETE.at(&app, &[id]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "App deleted successfully" }));
    assert_eq!(trail.left_by(Some(&root.id), None).await, [format!("app_deleted done {id}")]);
    let info = app.get("/v1/service/jwt-info").header("x-service-key", key).send().await;
    info.refused(403, "INSUFFICIENT_PERMISSIONS");
    DELETE.at(&app, &[id]).bearer(&root).refused(404, "NOT_FOUND").await;
    assert_eq!(trail.left().await, [""; 0]);
}
