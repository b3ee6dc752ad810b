//! `DELETE /admin/users/{userId}/sessions/{sessionId}`: the end of one session of an account.

use serde_json::json;

use crate::support::{App, PASSWORD, app};
use crate::v1::fixture::{Operation, Person, Trail, person, token_error};

const END: Operation = Operation("DELETE", "/admin/users/{userId}/sessions/{sessionId}");

async fn session_of(app: &App, root: &Person, id: &str) -> String {
    let list = app.get(&format!("/v1/admin/users/{id}/sessions")).bearer(root).ok(200).await;
    list.body["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_session_ends_once_with_a_record_and_no_other_does() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let id = session_of(&app, &root, &ada.id).await;
    let other = app.login("ada", PASSWORD).await.tokens();
    let mut trail = Trail::begin(&app).await;
    let done = END.at(&app, &[&ada.id, &id]).bearer(&root).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Session terminated successfully" }));
    assert_eq!(trail.left_by(Some(&root.id), Some(&ada.id)).await, ["session_ended done admin"]);
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
    assert_eq!(token_error(&app, &other).await, "");
    END.at(&app, &[&ada.id, &id]).bearer(&root).refused(404, "SESSION_NOT_FOUND").await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_session_of_another_account_is_not_found() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let of_root = session_of(&app, &root, &root.id).await;
    for id in [of_root.as_str(), "unknown"] {
        END.at(&app, &[&ada.id, id]).bearer(&root).refused(404, "SESSION_NOT_FOUND").await;
    }
    assert_eq!(token_error(&app, &root).await, "");
}
