//! `DELETE /users/me/sessions/{sessionId}`: the end of one session of the caller.

use serde_json::json;

use crate::support::{App, PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, person, token_error};

const END: Operation = Operation("DELETE", "/users/me/sessions/{sessionId}");

/// The id of the session of this token.
async fn session_of(app: &App, access: &str) -> String {
    let list = app.get("/v1/users/me/sessions").bearer(access).ok(200).await;
    let sessions = list.body["data"].as_array().unwrap();
    sessions.iter().find(|session| session["isCurrent"] == true).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_session_ends_with_a_record_and_no_other_does() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let other = app.login("ada", PASSWORD).await.tokens();
    let id = session_of(&app, &other.access).await;
    let mut trail = Trail::begin(&app).await;
    let done = END.at(&app, &[&id]).bearer(&ada).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Session terminated successfully" }));
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["session_ended done revoked"]);
    assert_eq!(token_error(&app, &other).await, "TOKEN_REVOKED");
    END.at(&app, &[&id]).bearer(&ada).refused(404, "SESSION_NOT_FOUND").await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn the_current_session_may_be_ended_too() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let id = session_of(&app, &ada.access).await;
    END.at(&app, &[&id]).bearer(&ada).ok(200).await;
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_session_of_another_account_is_not_found_not_even_by_an_administrator() {
    let app = app().await;
    let (ada, root) = (person(&app, "ada", &[]).await, person(&app, "root", &["admin"]).await);
    let id = session_of(&app, &ada.access).await;
    for id in [id.as_str(), "unknown"] {
        END.at(&app, &[id]).bearer(&root).refused(404, "SESSION_NOT_FOUND").await;
    }
    assert_eq!(token_error(&app, &ada).await, "");
}
