//! `POST /auth/reset-code/verify`: whether a reset code is right, without using it up.

use serde_json::{Value, json};

use crate::factors::code_in;
use crate::support::{Answer, App, app, app_with};
use crate::v1::fixture::{
    MINUTE, NEW, Operation, Trail, assert_limit, assert_rules, end, letters, limited, person,
    token_error, unlimited,
};

const VERIFY: Operation = Operation("POST", "/auth/reset-code/verify");
const ON: [(&str, &str); 1] = [("password.reset_by_code", "true")];

async fn verify(app: &App, name: &str, code: &str) -> Answer {
    VERIFY
        .on(app)
        .json(&json!({ "email": format!("{name}@example.com"), "code": code }))
        .send()
        .await
}

async fn code(app: &App, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com") });
    app.post("/v1/auth/reset-code/request", &body).ok(200).await;
    code_in(&app.mails().await)
}

#[tokio::test]
async fn it_is_not_found_where_the_policy_does_not_allow_it() {
    verify(&app().await, "ada", "000000").await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app_with("standard", &ON).await;
    let call = async |body: &Value| VERIFY.on(&app).json(body).send().await;
    let rules = [
        ("email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!("ada"), "INVALID_EMAIL_FORMAT"),
        ("code", json!(null), "REQUIRED_FIELD_MISSING"),
        ("code", json!(123_456), "VALIDATION_ERROR"),
        ("code", letters(513), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({ "email": "ada@example.com", "code": "000000" }), &rules).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("code", &ON).await;
    let body = json!({ "email": "ada@example.com", "code": "000000" });
    let call = async |from: &str| VERIFY.on(&app).json(&body).from(from).send().await;
    let with_password = json!({ "email": "ada@example.com", "code": "000000", "newPassword": NEW });
    let other = async || app.post("/v1/auth/reset-code/confirm", &with_password).send().await;
    assert_limit(&app, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn a_right_code_is_not_used_up_and_ends_no_session() {
    let app = app_with("standard", &ON).await;
    let ada = person(&app, "ada", &[]).await;
    let code = code(&app, "ada").await;
    for _ in 0..2 {
        let right = verify(&app, "ada", &code).await.ok(200);
        assert_eq!(right.body, json!({ "success": true, "message": "Code verified successfully" }));
        assert!(right.cookie().is_none());
    }
    assert_eq!(token_error(&app, &ada).await, "");
}

#[tokio::test]
async fn a_wrong_code_is_recorded_with_its_account_and_one_for_no_account_without() {
    let app = app_with("standard", &ON).await;
    let ada = person(&app, "ada", &[]).await;
    code(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    verify(&app, "ada", "000000").await.refused(400, "INVALID_CODE");
    assert_eq!(trail.left_by(None, Some(&ada.id)).await, ["code_shown refused reset"]);
    verify(&app, "nobody", "000000").await.refused(400, "INVALID_CODE");
    assert_eq!(trail.left_by(None, None).await, ["code_shown refused reset"]);
}

#[tokio::test]
async fn a_code_ends_with_a_newer_one_and_after_ten_minutes() {
    let app = unlimited(&ON).await;
    app.join("ada").await;
    let (first, second) = (code(&app, "ada").await, code(&app, "ada").await);
    verify(&app, "ada", &first).await.refused(400, "INVALID_CODE");
    verify(&app, "ada", &second).await.ok(200);
    app.turn_clock(10 * MINUTE);
    verify(&app, "ada", &second).await.refused(400, "INVALID_CODE");
}

#[tokio::test]
async fn a_code_ends_with_its_account() {
    let app = app_with("standard", &ON).await;
    let root = person(&app, "root", &["admin"]).await;
    for state in ["suspended", "deleted"] {
        let id = person(&app, state, &[]).await.id;
        let code = code(&app, state).await;
        end(&app, &root, &id, state).await;
        verify(&app, state, &code).await.refused(400, "INVALID_CODE");
    }
}
