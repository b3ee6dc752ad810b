//! `DELETE /admin/users/{userId}`: an account is hidden at once.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, person, token_error};

const DELETE: Operation = Operation("DELETE", "/admin/users/{userId}");

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    DELETE.at(&app, &[&root.id]).bearer(&root).refused(409, "LAST_ADMIN").await;
    assert_eq!(token_error(&app, &root).await, "");
}

#[tokio::test]
async fn the_account_is_deleted_once_with_its_sessions_and_it_is_recorded() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let mut trail = Trail::begin(&app).await;
    let done = DELETE.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "User deleted successfully" }));
    let records = trail.left_by(Some(&root.id), Some(&ada.id)).await;
    assert_eq!(records, ["session_ended done admin", "deleted done"]);
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
    app.login("ada", PASSWORD).await.refused(403, "ACCOUNT_DELETED");
    DELETE.at(&app, &[&ada.id]).bearer(&root).refused(404, "USER_NOT_FOUND").await;
    assert_eq!(trail.left_by(None, Some(&ada.id)).await, ["login refused deleted"]);
}

#[tokio::test]
async fn an_account_that_was_never_verified_is_erased_at_once() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let id = app.register("ada").await.ok(201).body["data"]["userId"].as_str().unwrap().to_owned();
    app.mails().await;
    DELETE.at(&app, &[&id]).bearer(&root).ok(200).await;
    app.get(&format!("/v1/admin/users/{id}")).bearer(&root).refused(404, "USER_NOT_FOUND").await;
    app.join("ada").await;
}
