//! `POST /auth/providers/{name}/begin`: where to send the browser.

use serde_json::{Value, json};

use crate::fake_provider::PAGE;
use crate::providers::Site;
use crate::v1::fixture::{Operation, Trail, assert_limit, assert_rules, keys, limited};

const BEGIN: Operation = Operation("POST", "/auth/providers/{name}/begin");

#[tokio::test]
async fn it_stores_nothing_and_its_fields_have_their_rules() {
    let site = Site::open(&[]).await;
    let mut trail = Trail::begin(&site.app).await;
    let call = async |body: &Value| BEGIN.at(&site.app, &["acme"]).json(body).send().await;
    let valid = json!({ "redirectUri": PAGE });
    let rules = [
        ("redirectUri", json!(null), "REQUIRED_FIELD_MISSING"),
        ("rememberMe", json!("yes"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &valid, &rules).await;
    let begun = call(&valid).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    assert_eq!(keys(&begun.body["data"]), "authorizationUrl flow expiresIn");
    assert_eq!(begun.body["data"]["expiresIn"], 600);
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn an_unknown_provider_and_a_page_that_is_not_listed_are_refused() {
    let site = Site::open(&[]).await;
    let body = json!({ "redirectUri": PAGE });
    BEGIN.at(&site.app, &["other"]).json(&body).refused(404, "NOT_FOUND").await;
    let body = json!({ "redirectUri": "https://evil.example/callback" });
    BEGIN.at(&site.app, &["acme"]).json(&body).refused(400, "PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("sign_in", &[]).await;
    let body = json!({ "redirectUri": PAGE });
    let call = async |from: &str| BEGIN.at(&app, &["acme"]).json(&body).from(from).send().await;
    let other = async || app.get("/v1/auth/providers").send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}
