//! `POST /auth/logout-all`: the end of all sessions of the caller.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, person, token_error};

const LOGOUT_ALL: Operation = Operation("POST", "/auth/logout-all");

#[tokio::test]
async fn every_session_of_the_caller_ends_and_no_other() {
    let app = app().await;
    let (ada, bob) = (person(&app, "ada", &[]).await, person(&app, "bob", &[]).await);
    let other = app.login("ada", PASSWORD).await.tokens();
    let mut trail = Trail::begin(&app).await;
    let done = LOGOUT_ALL.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Logged out successfully" }));
    assert!(done.header("set-cookie").starts_with("refreshToken=; Max-Age=0; Path=/v1/auth"));
    for access in [&ada.access, &other.access] {
        assert_eq!(token_error(&app, access).await, "TOKEN_REVOKED");
    }
    assert_eq!(token_error(&app, &bob).await, "");
    assert_eq!(
        trail.left_by(Some(&ada.id), Some(&ada.id)).await,
        ["session_ended done logout_everywhere"; 2]
    );
}

#[tokio::test]
async fn a_refresh_token_is_not_enough() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = LOGOUT_ALL.on(&app).header("cookie", &format!("refreshToken={}", ada.refresh));
    call.json(&json!({ "refreshToken": ada.refresh })).refused(401, "MISSING_AUTH_HEADER").await;
    assert_eq!(token_error(&app, &ada).await, "");
}
