//! `POST /auth/reauthenticate`: fresh authentication for the caller's session.

use serde_json::{Value, json};

use crate::support::{PASSWORD, app, app_with};
use crate::v1::fixture::{
    HOUR, MINUTE, NEW, Operation, Trail, WRONG, assert_limit, assert_rules, limited, person,
    person_with_authenticator,
};

const REAUTHENTICATE: Operation = Operation("POST", "/auth/reauthenticate");
/// An operation that requires fresh authentication.
const EXPORT: Operation = Operation("GET", "/users/me/export");

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = async |body: &Value| REAUTHENTICATE.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("password", json!(null), "REQUIRED_FIELD_MISSING"),
        ("password", json!(""), "REQUIRED_FIELD_MISSING"),
        ("password", json!(7), "VALIDATION_ERROR"),
        ("password", json!("a\0b"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    let rules = [
        ("code", json!(123_456), "VALIDATION_ERROR"),
        ("code", json!("1".repeat(513)), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({ "password": PASSWORD }), &rules).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("factor", &[]).await;
    let ada = person(&app, "ada", &[]).await;
    let body = json!({ "password": WRONG });
    let call =
        async |from: &str| REAUTHENTICATE.on(&app).json(&body).bearer(&ada).from(from).send().await;
    let change = json!({ "currentPassword": WRONG, "newPassword": NEW });
    let other = async || app.put("/v1/auth/change-password", &change).bearer(&ada).send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn it_renews_the_session_of_the_caller_and_no_other() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    let other = app.login("ada", PASSWORD).await.tokens();
    app.turn_clock(HOUR);
    let mut trail = Trail::begin(&app).await;
    let done =
        REAUTHENTICATE.on(&app).json(&json!({ "password": PASSWORD })).bearer(&ada).ok(200).await;
    assert_eq!(done.body, json!({ "success": true, "message": "Authentication renewed" }));
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["reauthenticated done"]);
    EXPORT.on(&app).bearer(&other).refused(403, "REAUTHENTICATION_REQUIRED").await;
    app.turn_clock(15 * MINUTE);
    EXPORT.on(&app).bearer(&ada).ok(200).await;
}

#[tokio::test]
async fn a_wrong_password_renews_nothing_and_is_recorded() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    let mut trail = Trail::begin(&app).await;
    let wrong =
        REAUTHENTICATE.on(&app).json(&json!({ "password": WRONG })).bearer(&ada).send().await;
    wrong.refused(400, "INVALID_CREDENTIALS");
    assert_eq!(
        trail.left_by(Some(&ada.id), Some(&ada.id)).await,
        ["reauthenticated refused wrong_password"]
    );
    EXPORT.on(&app).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
}

#[tokio::test]
async fn a_code_needs_a_factor() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = REAUTHENTICATE.on(&app).json(&json!({ "code": "000000" })).bearer(&ada);
    call.refused(400, "MFA_NOT_ENABLED").await;
}

#[tokio::test]
async fn a_code_and_a_backup_code_renew_it_once_each() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    app.turn_clock(HOUR);
    let show = async |code: &str| {
        REAUTHENTICATE.on(&app).json(&json!({ "code": code })).bearer(&ada).send().await
    };
    show("000000").await.refused(400, "INVALID_MFA_CODE");
    EXPORT.on(&app).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    let code = phone.code(&app, 0);
    show(&code).await.ok(200);
    EXPORT.on(&app).bearer(&ada).ok(200).await;
    show(&code).await.refused(400, "INVALID_MFA_CODE");
    show(&phone.backup_codes[0]).await.ok(200);
    show(&phone.backup_codes[0]).await.refused(400, "MFA_BACKUP_CODE_USED");
}
