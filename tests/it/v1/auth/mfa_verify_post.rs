//! `POST /auth/mfa/verify`: a code that completes a login, confirms a factor or renews a session.

use serde_json::{Value, json};

use crate::factors::{STEP, set_up};
use crate::support::{Answer, App, app};
use crate::v1::fixture::{
    MINUTE, NEW, Operation, Trail, assert_limit, assert_rules, keys, letters, limited, mfa_token,
    person, person_with_authenticator, suspend,
};

const VERIFY: Operation = Operation("POST", "/auth/mfa/verify");

async fn verify(app: &App, token: &str, code: &str) -> Answer {
    VERIFY.on(app).json(&json!({ "code": code })).bearer(token).send().await
}

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = async |body: &Value| VERIFY.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("code", json!(null), "REQUIRED_FIELD_MISSING"),
        ("code", json!(""), "REQUIRED_FIELD_MISSING"),
        ("code", json!(123_456), "VALIDATION_ERROR"),
        ("code", letters(513), "FIELD_TOO_LONG"),
        ("deviceId", json!(7), "VALIDATION_ERROR"),
        ("deviceId", letters(65), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({ "code": "000000" }), &rules).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("factor", &[]).await;
    let ada = person(&app, "ada", &[]).await;
    let body = json!({ "code": "000000" });
    let call = async |from: &str| VERIFY.on(&app).json(&body).bearer(&ada).from(from).send().await;
    let other = async || app.post("/v1/auth/mfa/challenge", &json!({})).bearer(&ada).send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn an_account_has_ten_wrong_codes_in_five_minutes_from_all_client_ips() {
    let app = crate::support::app_with("standard", &[("limits.factor", "off")]).await;
    let (ada, _) = person_with_authenticator(&app, "ada").await;
    let from = async |n: usize| {
        let call = VERIFY.on(&app).json(&json!({ "code": "000000" })).bearer(&ada);
        call.from(&format!("198.51.100.{n}")).send().await
    };
    for n in 0..10 {
        from(n).await.refused(400, "INVALID_MFA_CODE");
    }
    let over = from(10).await.refused(429, "AUTH_RATE_LIMIT_EXCEEDED");
    assert_eq!(
        (over.header("retry-after"), &over.body["error"]["retryAfter"]),
        ("300", &json!(300))
    );
}

#[tokio::test]
async fn a_code_completes_the_login_of_its_token_once() {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    app.turn_clock(STEP);
    let token = mfa_token(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    verify(&app, &token, "000000").await.refused(400, "INVALID_MFA_CODE");
    assert_eq!(trail.left_by(None, Some(&ada.id)).await, ["factor_shown refused wrong_code"]);
    let login = verify(&app, &token, &phone.code(&app, 0)).await.ok(200);
    assert_eq!(keys(&login.body), "success message data");
    assert_eq!(login.cookie().as_deref(), login.body["data"]["refreshToken"].as_str());
    assert_eq!(
        trail.left_by(Some(&ada.id), Some(&ada.id)).await,
        ["factor_shown done totp", "login done"]
    );
    verify(&app, &token, &phone.backup_codes[0]).await.refused(401, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_token_of_no_pending_login_is_refused() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    verify(&app, "unknown", "000000").await.refused(401, "INVALID_TOKEN");
    VERIFY.on(&app).json(&json!({ "code": "000000" })).refused(401, "MISSING_AUTH_HEADER").await;
    let late = mfa_token(&app, "ada").await;
    app.turn_clock(5 * MINUTE);
    verify(&app, &late, &phone.code(&app, 0)).await.refused(401, "TOKEN_EXPIRED");
    let waiting = mfa_token(&app, "ada").await;
    suspend(&app, &root, &ada.id).await;
    verify(&app, &waiting, &phone.code(&app, 0)).await.refused(401, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_change_of_the_password_voids_a_pending_login() {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    app.turn_clock(STEP);
    let waiting = mfa_token(&app, "ada").await;
    let body = json!({ "currentPassword": crate::support::PASSWORD, "newPassword": NEW });
    app.put("/v1/auth/change-password", &body).bearer(&ada).ok(200).await;
    verify(&app, &waiting, &phone.code(&app, 0)).await.refused(401, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_code_of_another_account_is_wrong() {
    let app = app().await;
    person_with_authenticator(&app, "ada").await;
    let (_, of_bob) = person_with_authenticator(&app, "bob").await;
    app.turn_clock(STEP);
    let token = mfa_token(&app, "ada").await;
    verify(&app, &token, &of_bob.code(&app, 0)).await.refused(400, "INVALID_MFA_CODE");
    verify(&app, &token, &of_bob.backup_codes[0]).await.refused(400, "INVALID_MFA_CODE");
}

#[tokio::test]
async fn with_an_access_token_it_confirms_a_factor_and_is_recorded() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    verify(&app, &ada.access, "000000").await.refused(400, "MFA_NOT_ENABLED");
    assert_eq!(trail.left().await, [""; 0]);
    let phone = set_up(&app, &ada.access).await;
    verify(&app, &ada.access, "000000").await.refused(400, "INVALID_MFA_CODE");
    let done = verify(&app, &ada.access, &phone.code(&app, 0)).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "MFA verified successfully" }));
    assert!(done.cookie().is_none());
    let records = trail.left_by(Some(&ada.id), Some(&ada.id)).await;
    assert_eq!(records, ["factor_added refused wrong_code", "factor_added done totp"]);
}

#[tokio::test]
async fn it_confirms_the_factor_that_is_named() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let phone = set_up(&app, &ada.access).await;
    app.post("/v1/auth/mfa/setup", &json!({ "type": "email" })).bearer(&ada).ok(200).await;
    let body = |device: &str| json!({ "code": phone.code(&app, 0), "deviceId": device });
    let call = async |device: &str| VERIFY.on(&app).json(&body(device)).bearer(&ada).send().await;
    // An id of the client's own stands for the newest, whose code another one is.
    call("unknown").await.refused(400, "INVALID_MFA_CODE");
    call(&phone.id).await.ok(200);
}
