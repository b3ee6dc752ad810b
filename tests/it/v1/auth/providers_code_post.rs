//! `POST /auth/providers/code`: a code to the address of a login that waits for one.

use serde_json::{Value, json};

use crate::providers::{Site, unverified, waiting_token};
use crate::v1::fixture::{Operation, assert_limit, assert_rules, keys, limited};

const CODE: Operation = Operation("POST", "/auth/providers/code");

#[tokio::test]
async fn a_letter_with_the_code_goes_to_the_address() {
    let site = Site::open(&[]).await;
    let token = waiting_token(&site.log_in(&unverified("s-1", "ada@example.com")).await);
    let body = json!({ "providerToken": token });
    let sent = CODE.on(&site.app).json(&body).ok(200).await;
    assert_eq!(keys(&sent.body["data"]), "providerToken email expiresIn");
    assert_eq!(sent.body["data"]["email"], "ada@example.com");
    assert!(!sent.text.contains(&site.code_for("ada@example.com").await));
}

#[tokio::test]
async fn its_fields_have_their_rules_and_a_forged_token_mails_nothing() {
    let site = Site::open(&[]).await;
    let call = async |body: &Value| CODE.on(&site.app).json(body).send().await;
    let valid = json!({ "providerToken": "forged", "email": "ada@example.com" });
    let rules = [
        ("providerToken", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!("no address"), "INVALID_EMAIL_FORMAT"),
    ];
    assert_rules(call, &valid, &rules).await;
    CODE.on(&site.app).json(&valid).refused(400, "PROVIDER_REJECTED").await;
    assert!(site.app.mails().await.is_empty());
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("code", &[]).await;
    let body = json!({ "providerToken": "forged", "email": "ada@example.com" });
    let call = async |from: &str| CODE.on(&app).json(&body).from(from).send().await;
    let other = async || app.get("/v1/auth/providers").send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}
