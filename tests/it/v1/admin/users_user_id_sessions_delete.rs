//! `DELETE /admin/users/{userId}/sessions`: the end of all sessions of an account.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, person, token_error};

const END: Operation = Operation("DELETE", "/admin/users/{userId}/sessions");

#[tokio::test]
async fn each_session_ends_with_a_record_and_those_of_others_go_on() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let other = app.login("ada", PASSWORD).await.tokens();
    let mut trail = Trail::begin(&app).await;
    let done = END.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(
        done.body,
        json!({ "success": true, "message": "Sessions terminated successfully" })
    );
    assert_eq!(trail.left_by(Some(&root.id), Some(&ada.id)).await, ["session_ended done admin"; 2]);
    for access in [&ada.access, &other.access] {
        assert_eq!(token_error(&app, access).await, "TOKEN_REVOKED");
    }
    assert_eq!(token_error(&app, &root).await, "");
    app.login("ada", PASSWORD).await.ok(200);
}
