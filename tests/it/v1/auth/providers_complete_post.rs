//! `POST /auth/providers/complete`: the mailed code that completes a login with a provider.

use serde_json::{Value, json};

use crate::providers::{Site, unverified, waiting_token};
use crate::v1::fixture::{Operation, Trail, assert_limit, assert_rules, keys, limited};

const COMPLETE: Operation = Operation("POST", "/auth/providers/complete");

#[tokio::test]
async fn it_is_recorded_and_the_response_is_that_of_a_login() {
    let site = Site::open(&[]).await;
    let token = waiting_token(&site.log_in(&unverified("s-1", "ada@example.com")).await);
    let sent = site.app.post("/v1/auth/providers/code", &json!({ "providerToken": token }));
    let token = sent.ok(200).await.body["data"]["providerToken"].clone();
    let mut trail = Trail::begin(&site.app).await;
    let wrong = json!({ "providerToken": token, "code": "BBBBB-BBBBB" });
    COMPLETE.on(&site.app).json(&wrong).refused(400, "INVALID_CODE").await;
    let code = site.code_for("ada@example.com").await;
    let body = json!({ "providerToken": token, "code": code });
    let answer = COMPLETE.on(&site.app).json(&body).ok(200).await;
    assert_eq!(keys(&answer.body["data"]), "accessToken refreshToken expiresIn tokenType user");
    let left = trail.left().await;
    for line in ["sign_up done provider acme", "login done provider acme"] {
        assert!(left.iter().any(|one| one.starts_with(line)), "{line}: {left:?}");
    }
}

#[tokio::test]
async fn its_fields_have_their_rules_and_a_forged_token_is_refused() {
    let site = Site::open(&[]).await;
    let call = async |body: &Value| COMPLETE.on(&site.app).json(body).send().await;
    let valid = json!({ "providerToken": "forged", "code": "BBBBB-BBBBB" });
    let rules = [
        ("providerToken", json!(null), "REQUIRED_FIELD_MISSING"),
        ("code", json!(null), "REQUIRED_FIELD_MISSING"),
    ];
    assert_rules(call, &valid, &rules).await;
    COMPLETE.on(&site.app).json(&valid).refused(400, "PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("code", &[]).await;
    let body = json!({ "providerToken": "forged", "code": "BBBBB-BBBBB" });
    let call = async |from: &str| COMPLETE.on(&app).json(&body).from(from).send().await;
    let other = async || app.get("/v1/auth/providers").send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}
