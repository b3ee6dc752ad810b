//! `POST /auth/reset-password`: a new password by the token of a mailed link.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app, token_in};
use crate::v1::fixture::{
    HERE, HOUR, NEW, Operation, Trail, assert_limit, assert_rules, delete, letters, limited,
    person, suspend, token_error,
};

const RESET: Operation = Operation("POST", "/auth/reset-password");

async fn reset(app: &App, token: &str) -> Answer {
    RESET.on(app).json(&json!({ "token": token, "newPassword": NEW })).send().await
}

async fn link(app: &App, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com") });
    app.post("/v1/auth/forgot-password", &body).ok(200).await;
    token_in(&app.mails().await, "reset-password?token=")
}

#[tokio::test]
async fn a_token_is_needed() {
    let app = app().await;
    for body in [json!({ "newPassword": NEW }), json!({ "token": "", "newPassword": NEW })] {
        RESET.on(&app).json(&body).refused(400, "MISSING_TOKEN").await;
    }
}

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_password_keeps_the_link() {
    let app = app().await;
    app.join("ada").await;
    let token = link(&app, "ada").await;
    let call = async |body: &Value| RESET.on(&app).json(body).send().await;
    let rules = [
        ("token", json!(7), "VALIDATION_ERROR"),
        ("token", letters(513), "FIELD_TOO_LONG"),
        ("newPassword", json!(null), "REQUIRED_FIELD_MISSING"),
        ("newPassword", json!(7), "VALIDATION_ERROR"),
        ("newPassword", json!("eleven char"), "FIELD_TOO_SHORT"),
        ("newPassword", letters(257), "FIELD_TOO_LONG"),
        ("newPassword", json!("password1234"), "INVALID_PASSWORD_STRENGTH"),
        ("newPassword", json!("ada@example.com"), "INVALID_PASSWORD_STRENGTH"),
    ];
    assert_rules(call, &json!({ "token": token, "newPassword": NEW }), &rules).await;
    reset(&app, &token).await.ok(200);
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("reset", &[("password.reset_by_code", "true")]).await;
    let body = json!({ "token": "x", "newPassword": NEW });
    let call = async |from: &str| RESET.on(&app).json(&body).from(from).send().await;
    let code = json!({ "email": "ada@example.com", "code": "000000", "newPassword": NEW });
    let other = async || app.post("/v1/auth/reset-code/confirm", &code).send().await;
    assert_limit(&app, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn a_bad_password_does_not_count_against_the_limit() {
    let app = limited("reset", &[]).await;
    app.join("ada").await;
    let token = link(&app, "ada").await;
    for _ in 0..3 {
        let body = json!({ "token": token, "newPassword": "short" });
        RESET.on(&app).json(&body).from(HERE).refused(400, "VALIDATION_ERROR").await;
    }
    reset(&app, &token).await.ok(200);
}

#[tokio::test]
async fn it_ends_all_sessions_starts_none_and_records_both() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    app.login("ada", PASSWORD).await.ok(200);
    let token = link(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let done = reset(&app, &token).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "Password reset successfully" }));
    assert!(done.cookie().is_none());
    let records = trail.left_by(Some(&ada.id), Some(&ada.id)).await;
    assert_eq!(
        records,
        ["password_reset done", "session_ended done password", "session_ended done password"]
    );
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_link_of_another_kind_or_a_used_one_sets_nothing() {
    let app = app().await;
    app.register("ada").await.ok(201);
    let verification = token_in(&app.mails().await, "verify-email?token=");
    let used = link(&app, "ada").await;
    reset(&app, &used).await.ok(200);
    for token in [&verification, &used, "unknown"] {
        reset(&app, token).await.refused(404, "INVALID_TOKEN");
    }
}

#[tokio::test]
async fn a_link_ends_after_an_hour_and_with_its_account() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (name, status, code) in [
        ("suspended", 404, "INVALID_TOKEN"),
        ("deleted", 404, "INVALID_TOKEN"),
        ("late", 410, "TOKEN_EXPIRED"),
    ] {
        let id = person(&app, name, &[]).await.id;
        let token = link(&app, name).await;
        match name {
            "suspended" => suspend(&app, &root, &id).await,
            "deleted" => delete(&app, &root, &id).await,
            _ => app.turn_clock(HOUR),
        }
        reset(&app, &token).await.refused(status, code);
    }
}
