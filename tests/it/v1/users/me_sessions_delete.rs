//! `DELETE /users/me/sessions`: the end of all sessions of the caller but the current one.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, person, token_error};

const END: Operation = Operation("DELETE", "/users/me/sessions");

#[tokio::test]
async fn the_callers_other_sessions_end_each_with_a_record() {
    let app = app().await;
    let (ada, bob) = (person(&app, "ada", &[]).await, person(&app, "bob", &[]).await);
    let others =
        [app.login("ada", PASSWORD).await.tokens(), app.login("ada", PASSWORD).await.tokens()];
    let mut trail = Trail::begin(&app).await;
    let done = END.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(
        done.body,
        json!({ "success": true, "message": "All other sessions terminated successfully" })
    );
    assert_eq!(
        trail.left_by(Some(&ada.id), Some(&ada.id)).await,
        ["session_ended done revoked"; 2]
    );
    for other in &others {
        assert_eq!(token_error(&app, other).await, "TOKEN_REVOKED");
    }
    assert_eq!([token_error(&app, &ada).await, token_error(&app, &bob).await], ["", ""]);
}

#[tokio::test]
async fn without_other_sessions_it_succeeds_and_leaves_no_record() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    END.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(trail.left().await, [""; 0]);
}
