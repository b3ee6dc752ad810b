//! `POST /auth/otp/verify`: a session for a mailed code.

use serde_json::{Value, json};

use crate::factors::code_in;
use crate::support::{Answer, App, PASSWORD, app, app_with};
use crate::v1::fixture::{
    Operation, Trail, assert_limit, assert_rules, end, keys, letters, limited, person,
    person_with_authenticator,
};

const VERIFY: Operation = Operation("POST", "/auth/otp/verify");
const ON: [(&str, &str); 1] = [("login.passwordless", "true")];

async fn verify(app: &App, name: &str, code: &str) -> Answer {
    VERIFY
        .on(app)
        .json(&json!({ "email": format!("{name}@example.com"), "code": code }))
        .send()
        .await
}

async fn code(app: &App, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com") });
    app.post("/v1/auth/otp/request", &body).ok(200).await;
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
        ("rememberMe", json!("yes"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({ "email": "ada@example.com", "code": "000000" }), &rules).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("code", &ON).await;
    let body = json!({ "email": "ada@example.com", "code": "000000" });
    let call = async |from: &str| VERIFY.on(&app).json(&body).from(from).send().await;
    let asked = json!({ "email": "ada@example.com" });
    let other = async || app.post("/v1/auth/otp/request", &asked).send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn it_is_a_login_with_its_fields_its_cookie_and_its_record() {
    let app = app_with("standard", &ON).await;
    let ada = person(&app, "ada", &[]).await;
    let code = code(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let login = verify(&app, "ada", &code).await.ok(200);
    assert_eq!(keys(&login.body["data"]), "accessToken refreshToken expiresIn tokenType user");
    assert_eq!(login.cookie().as_deref(), login.body["data"]["refreshToken"].as_str());
    assert_eq!(trail.left().await, ["code_shown done login", "login done"]);
    verify(&app, "ada", &code).await.refused(400, "INVALID_CODE");
    assert_eq!(trail.left_by(None, Some(&ada.id)).await, ["code_shown refused login"]);
}

#[tokio::test]
async fn without_remember_me_the_cookie_ends_with_the_browser() {
    let app = app_with("standard", &ON).await;
    app.join("ada").await;
    let body =
        json!({ "email": "ada@example.com", "code": code(&app, "ada").await, "rememberMe": false });
    let login = VERIFY.on(&app).json(&body).ok(200).await;
    assert!(!login.header("set-cookie").contains("Max-Age"), "{}", login.header("set-cookie"));
}

#[tokio::test]
async fn a_code_does_not_log_in_to_a_suspended_or_deleted_account() {
    let app = app_with("standard", &ON).await;
    let root = person(&app, "root", &["admin"]).await;
    for name in ["suspended", "deleted"] {
        let id = person(&app, name, &[]).await.id;
        let code = code(&app, name).await;
        end(&app, &root, &id, name).await;
        verify(&app, name, &code).await.refused(400, "INVALID_CODE");
    }
}

#[tokio::test]
async fn an_account_with_an_authenticator_needs_its_code_too() {
    let app = app_with("standard", &ON).await;
    person_with_authenticator(&app, "ada").await;
    let code = code(&app, "ada").await;
    let waiting = verify(&app, "ada", &code).await.refused(401, "MFA_REQUIRED");
    assert_eq!(waiting.body["error"]["methods"], json!(["totp", "backup_code"]));
    assert!(
        waiting.cookie().is_none() && !waiting.text.contains("accessToken"),
        "{}",
        waiting.text
    );
}

#[tokio::test]
async fn the_password_is_not_accepted_as_a_code() {
    let app = app_with("standard", &ON).await;
    app.join("ada").await;
    code(&app, "ada").await;
    verify(&app, "ada", PASSWORD).await.refused(400, "INVALID_CODE");
}
