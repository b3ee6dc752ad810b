//! `POST /auth/reset-code/confirm`: a new password by a mailed code.

use serde_json::{Value, json};

use crate::factors::code_in;
use crate::support::{Answer, App, PASSWORD, app, app_with};
use crate::v1::fixture::{
    NEW, Operation, Trail, assert_limit, assert_rules, letters, limited, person, suspend,
    token_error, unlimited,
};

const CONFIRM: Operation = Operation("POST", "/auth/reset-code/confirm");
const ON: [(&str, &str); 1] = [("password.reset_by_code", "true")];

fn body(name: &str, code: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "code": code, "newPassword": NEW })
}

async fn confirm(app: &App, code: &str) -> Answer {
    CONFIRM.on(app).json(&body("ada", code)).send().await
}

async fn code(app: &App) -> String {
    let body = json!({ "email": "ada@example.com" });
    app.post("/v1/auth/reset-code/request", &body).ok(200).await;
    code_in(&app.mails().await)
}

#[tokio::test]
async fn it_is_not_found_where_the_policy_does_not_allow_it() {
    confirm(&app().await, "000000").await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_password_keeps_the_code() {
    let app = unlimited(&ON).await;
    app.join("ada").await;
    let code = code(&app).await;
    let call = async |body: &Value| CONFIRM.on(&app).json(body).send().await;
    let rules = [
        ("email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!("ada"), "INVALID_EMAIL_FORMAT"),
        ("code", json!(""), "REQUIRED_FIELD_MISSING"),
        ("code", letters(513), "FIELD_TOO_LONG"),
        ("newPassword", json!(null), "REQUIRED_FIELD_MISSING"),
        ("newPassword", json!("eleven char"), "FIELD_TOO_SHORT"),
        ("newPassword", letters(257), "FIELD_TOO_LONG"),
        ("newPassword", json!("password1234"), "INVALID_PASSWORD_STRENGTH"),
        ("newPassword", json!("ada@example.com"), "INVALID_PASSWORD_STRENGTH"),
    ];
    assert_rules(call, &body("ada", &code), &rules).await;
    confirm(&app, &code).await.ok(200);
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("reset", &ON).await;
    let call =
        async |from: &str| CONFIRM.on(&app).json(&body("ada", "000000")).from(from).send().await;
    let shown = json!({ "email": "ada@example.com", "code": "000000" });
    let other = async || app.post("/v1/auth/reset-code/verify", &shown).send().await;
    assert_limit(&app, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn it_ends_all_sessions_starts_none_and_records_both() {
    let app = app_with("standard", &ON).await;
    let ada = person(&app, "ada", &[]).await;
    let code = code(&app).await;
    let mut trail = Trail::begin(&app).await;
    let done = confirm(&app, &code).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "Password reset successfully" }));
    assert!(done.cookie().is_none());
    let records = trail.left().await;
    assert_eq!(
        records,
        ["code_shown done reset", "password_reset done", "session_ended done password"]
    );
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
    confirm(&app, &code).await.refused(400, "INVALID_CODE");
}

#[tokio::test]
async fn a_code_of_a_suspended_account_sets_nothing() {
    let app = app_with("standard", &ON).await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    let code = code(&app).await;
    suspend(&app, &root, &ada.id).await;
    confirm(&app, &code).await.refused(400, "INVALID_CODE");
    app.login("ada", PASSWORD).await.refused(403, "ACCOUNT_SUSPENDED");
}

#[tokio::test]
async fn a_code_works_only_with_its_own_address() {
    let app = app_with("standard", &ON).await;
    app.join("ada").await;
    app.join("bob").await;
    let code = code(&app).await;
    CONFIRM.on(&app).json(&body("bob", &code)).refused(400, "INVALID_CODE").await;
    app.login("bob", PASSWORD).await.ok(200);
}
