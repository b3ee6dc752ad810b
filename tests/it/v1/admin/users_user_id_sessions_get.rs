//! `GET /admin/users/{userId}/sessions`: the active sessions of an account.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/users/{userId}/sessions");

#[tokio::test]
async fn live_sessions_of_that_account_are_listed_without_tokens() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let ended = app.login("ada", PASSWORD).await.tokens();
    app.post("/v1/auth/logout", &json!({})).bearer(&ended).ok(200).await;
    let list = LIST.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    let sessions = list.body["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 1);
    let fields = "id deviceInfo ipAddress lastActivity createdAt isCurrent";
    assert_eq!(keys(&sessions[0]), fields);
    assert_eq!(sessions[0]["isCurrent"], false);
    assert!(!list.text.contains(&ada.refresh) && !list.text.contains("hash"), "{}", list.text);
}
