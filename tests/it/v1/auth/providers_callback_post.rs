//! `POST /auth/providers/callback`: the provider's answer, for a login.

use serde_json::{Value, json};

use crate::providers::{Site, verified};
use crate::v1::fixture::{Operation, Trail, assert_limit, assert_rules, keys, limited};

const CALLBACK: Operation = Operation("POST", "/auth/providers/callback");

#[tokio::test]
async fn it_is_recorded_and_the_response_is_that_of_a_login() {
    let site = Site::open(&[]).await;
    let begun = site.begin().await;
    let mut body = site.provider.log_in(&begun.url, &verified("s-1", "ada@example.com"));
    body["flow"] = begun.flow.as_str().into();
    let mut trail = Trail::begin(&site.app).await;
    let answer = CALLBACK.on(&site.app).json(&body).ok(200).await;
    assert_eq!(keys(&answer.body["data"]), "accessToken refreshToken expiresIn tokenType user");
    assert!(answer.header("set-cookie").contains("HttpOnly"));
    let left = trail.left().await;
    assert!(left.iter().any(|line| line.starts_with("login done provider acme")), "{left:?}");
    let again = CALLBACK.on(&site.app).json(&body).refused(400, "PROVIDER_REJECTED").await;
    assert!(again.cookie().is_none());
}

#[tokio::test]
async fn its_fields_have_their_rules_and_a_forged_flow_is_refused() {
    let site = Site::open(&[]).await;
    let call = async |body: &Value| CALLBACK.on(&site.app).json(body).send().await;
    let valid = json!({ "flow": "forged", "state": "x", "code": "c" });
    let rules = [
        ("flow", json!(null), "REQUIRED_FIELD_MISSING"),
        ("state", json!(null), "REQUIRED_FIELD_MISSING"),
        ("code", json!(7), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &valid, &rules).await;
    CALLBACK.on(&site.app).json(&valid).refused(400, "PROVIDER_REJECTED").await;
    assert_eq!(site.provider.requests(), [""; 0], "nothing is asked for a forged flow");
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("sign_in", &[]).await;
    let body = json!({ "flow": "forged", "state": "x", "code": "c" });
    let call = async |from: &str| CALLBACK.on(&app).json(&body).from(from).send().await;
    let other = async || app.get("/v1/auth/providers").send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}
