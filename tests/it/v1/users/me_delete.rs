//! `DELETE /users/me`: the end of the caller's account.

use serde_json::json;

use crate::support::{PASSWORD, app, app_with};
use crate::v1::fixture::{HOUR, Operation, Trail, person, token_error};

const DELETE: Operation = Operation("DELETE", "/users/me");

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    DELETE.on(&app).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    assert_eq!(token_error(&app, &ada).await, "");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    DELETE.on(&app).bearer(&root).refused(409, "LAST_ADMIN").await;
    assert_eq!((trail.left().await, token_error(&app, &root).await), (vec![], String::new()));
    person(&app, "second", &["admin"]).await;
    DELETE.on(&app).bearer(&root).ok(200).await;
}

#[tokio::test]
async fn all_its_sessions_end_and_it_is_recorded() {
    let app = app().await;
    let (ada, bob) = (person(&app, "ada", &[]).await, person(&app, "bob", &[]).await);
    let other = app.login("ada", PASSWORD).await.tokens();
    let mut trail = Trail::begin(&app).await;
    let done = DELETE.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Account deleted successfully" }));
    assert!(done.header("set-cookie").starts_with("refreshToken=; Max-Age=0; Path=/v1/auth"));
    let mut records = trail.left_by(Some(&ada.id), Some(&ada.id)).await;
    records.sort();
    assert_eq!(
        records,
        ["deleted done", "session_ended done deleted", "session_ended done deleted"]
    );
    for access in [&ada.access, &other.access] {
        assert_eq!(token_error(&app, access).await, "TOKEN_REVOKED");
    }
    DELETE.on(&app).bearer(&ada).refused(401, "TOKEN_REVOKED").await;
    assert_eq!(token_error(&app, &bob).await, "");
}
