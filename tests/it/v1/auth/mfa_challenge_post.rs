//! `POST /auth/mfa/challenge`: another code for a login that waits.

use serde_json::{Value, json};

use crate::support::{Answer, App, app, app_with};
use crate::v1::fixture::{
    MINUTE, Operation, Trail, assert_limit, assert_rules, limited, mfa_token, person,
    person_with_authenticator, suspend, unlimited,
};

const CHALLENGE: Operation = Operation("POST", "/auth/mfa/challenge");
/// Every login needs a mailed code.
const MAILED: [(&str, &str); 1] = [("login.otp", "email")];

async fn challenge(app: &App, token: &str, body: &Value) -> Answer {
    CHALLENGE.on(app).json(body).bearer(token).send().await
}

#[tokio::test]
async fn the_field_has_its_rule_and_the_body_may_be_empty() {
    let app = app_with("standard", &MAILED).await;
    app.join("ada").await;
    let token = mfa_token(&app, "ada").await;
    let call = async |body: &Value| challenge(&app, &token, body).await;
    let rules =
        [("method", json!(7), "VALIDATION_ERROR"), ("method", json!("push"), "VALIDATION_ERROR")];
    assert_rules(call, &json!({}), &rules).await;
    CHALLENGE.on(&app).bearer(&token).ok(200).await;
}

#[tokio::test]
async fn a_method_that_the_login_does_not_offer_or_that_sends_nothing_is_refused() {
    let app = app().await;
    person_with_authenticator(&app, "ada").await;
    let token = mfa_token(&app, "ada").await;
    for method in ["totp", "email", "sms"] {
        let refused = challenge(&app, &token, &json!({ "method": method }))
            .await
            .refused(400, "VALIDATION_ERROR");
        assert_eq!(refused.body["error"]["details"][0]["field"], "method", "{method}");
    }
    assert_eq!(app.mails().await.len(), 0);
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("factor", &MAILED).await;
    app.join("ada").await;
    let token = mfa_token(&app, "ada").await;
    let call = async |from: &str| {
        CHALLENGE.on(&app).json(&json!({})).bearer(&token).from(from).send().await
    };
    let other = async || {
        app.post("/v1/auth/mfa/verify", &json!({ "code": "000000" })).bearer(&token).send().await
    };
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn five_codes_in_ten_minutes_are_mailed_to_an_account() {
    let app = unlimited(&MAILED).await;
    app.join("ada").await;
    let token = mfa_token(&app, "ada").await;
    for _ in 0..4 {
        challenge(&app, &token, &json!({})).await.ok(200);
    }
    let over = challenge(&app, &token, &json!({})).await.refused(429, "AUTH_RATE_LIMIT_EXCEEDED");
    assert_eq!(over.header("retry-after"), "600");
    assert_eq!(app.mails().await.len(), 5, "with the one of the login");
}

#[tokio::test]
async fn the_code_is_mailed_recorded_and_not_shown() {
    let app = app_with("standard", &MAILED).await;
    let made = app.register("ada").await.ok(201);
    let token = crate::support::token_in(&app.mails().await, "verify-email?token=");
    app.post("/v1/auth/verify-email", &json!({ "token": token })).ok(200).await;
    let token = mfa_token(&app, "ada").await;
    app.mails().await;
    let mut trail = Trail::begin(&app).await;
    let sent = challenge(&app, &token, &json!({ "method": "email" })).await.ok(200);
    assert_eq!(sent.body, json!({ "success": true, "message": "Verification code sent by email" }));
    assert_eq!(
        trail.left_by(None, made.body["data"]["userId"].as_str()).await,
        ["code_requested done email"]
    );
    assert_eq!(app.mails().await.len(), 1);
}

#[tokio::test]
async fn a_token_of_no_pending_login_is_refused() {
    let app = app_with("standard", &MAILED).await;
    app.join("ada").await;
    challenge(&app, "unknown", &json!({})).await.refused(401, "INVALID_TOKEN");
    CHALLENGE.on(&app).json(&json!({})).refused(401, "MISSING_AUTH_HEADER").await;
    let late = mfa_token(&app, "ada").await;
    app.turn_clock(5 * MINUTE);
    challenge(&app, &late, &json!({})).await.refused(401, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn suspension_voids_a_pending_login() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, _) = person_with_authenticator(&app, "ada").await;
    let token = mfa_token(&app, "ada").await;
    suspend(&app, &root, &ada.id).await;
    challenge(&app, &token, &json!({})).await.refused(401, "INVALID_TOKEN");
}

#[tokio::test]
async fn an_access_token_is_a_bad_request() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let refused = challenge(&app, &ada.access, &json!({})).await.refused(400, "VALIDATION_ERROR");
    assert!(refused.header("www-authenticate").is_empty());
}
