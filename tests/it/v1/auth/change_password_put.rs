//! `PUT /auth/change-password`: a new password for the caller, who knows the current one.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app, app_with};
use crate::v1::fixture::{
    NEW, Operation, Person, Trail, WRONG, assert_limit, assert_rules, letters, limited, person,
    token_error,
};

const CHANGE: Operation = Operation("PUT", "/auth/change-password");

async fn change(app: &App, person: &Person, current: &str) -> Answer {
    let body = json!({ "currentPassword": current, "newPassword": NEW });
    CHANGE.on(app).json(&body).bearer(person).send().await
}

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_one_changes_nothing() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| CHANGE.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("currentPassword", json!(null), "REQUIRED_FIELD_MISSING"),
        ("currentPassword", json!(""), "REQUIRED_FIELD_MISSING"),
        ("currentPassword", json!(7), "VALIDATION_ERROR"),
        ("newPassword", json!(null), "REQUIRED_FIELD_MISSING"),
        ("newPassword", json!({}), "VALIDATION_ERROR"),
        ("newPassword", json!("eleven char"), "FIELD_TOO_SHORT"),
        ("newPassword", letters(257), "FIELD_TOO_LONG"),
        ("newPassword", json!("password1234"), "INVALID_PASSWORD_STRENGTH"),
        ("newPassword", json!("ada@example.com"), "INVALID_PASSWORD_STRENGTH"),
    ];
    assert_rules(call, &json!({ "currentPassword": PASSWORD, "newPassword": NEW }), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("factor", &[]).await;
    let ada = person(&app, "ada", &[]).await;
    let body = json!({ "currentPassword": WRONG, "newPassword": NEW });
    let call = async |from: &str| CHANGE.on(&app).json(&body).bearer(&ada).from(from).send().await;
    let proof = json!({ "password": PASSWORD });
    let other = async || app.post("/v1/auth/reauthenticate", &proof).bearer(&ada).send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn a_wrong_current_password_is_a_bad_request_and_recorded() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let wrong = change(&app, &ada, WRONG).await.refused(400, "INVALID_CREDENTIALS");
    assert_eq!(wrong.body["error"]["message"], "Current password is incorrect");
    assert!(wrong.header("www-authenticate").is_empty());
    let by_ada = trail.left_by(Some(&ada.id), Some(&ada.id)).await;
    assert_eq!(by_ada, ["password_changed refused wrong_password"]);
    assert_eq!(token_error(&app, &ada).await, "", "the session goes on");
}

#[tokio::test]
async fn wrong_passwords_lock_the_account_where_the_profile_has_a_lockout() {
    let app = app_with("perfect21", &[("tokens.algorithm", "ES256")]).await;
    let ada = person(&app, "ada", &[]).await;
    for _ in 0..5 {
        let body = json!({ "currentPassword": WRONG, "newPassword": PASSWORD });
        CHANGE.on(&app).json(&body).bearer(&ada).refused(400, "INVALID_CREDENTIALS").await;
    }
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "An0ther!passphrase" });
    let locked = CHANGE.on(&app).json(&body).bearer(&ada).refused(423, "ACCOUNT_LOCKED").await;
    assert_eq!(locked.header("retry-after"), "1800");
}

#[tokio::test]
async fn the_other_sessions_end_and_the_response_has_no_password() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let other = app.login("ada", PASSWORD).await.tokens();
    let mut trail = Trail::begin(&app).await;
    let done = change(&app, &ada, PASSWORD).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "Password changed successfully" }));
    let records = trail.left_by(Some(&ada.id), Some(&ada.id)).await;
    assert_eq!(records, ["password_changed done", "session_ended done password"]);
    assert_eq!(token_error(&app, &other).await, "TOKEN_REVOKED");
    assert_eq!(token_error(&app, &ada).await, "");
}
