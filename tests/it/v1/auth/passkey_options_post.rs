//! `POST /auth/passkey/options`: what a browser needs to ask for a passkey.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_limit, keys, limited};

const OPTIONS: Operation = Operation("POST", "/auth/passkey/options");

#[tokio::test]
async fn the_response_has_the_documented_fields_and_nothing_is_recorded() {
    let app = app().await;
    let mut trail = Trail::begin(&app).await;
    for body in [json!({}), json!({ "email": "ada@example.com" }), json!({ "username": "ada" })] {
        let answer = OPTIONS.on(&app).json(&body).ok(200).await;
        let data = &answer.body["data"];
        assert_eq!(keys(data), "challenge timeout rpId allowCredentials userVerification");
        assert_eq!(data["allowCredentials"], json!([]), "{body}");
    }
    OPTIONS.on(&app).ok(200).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("sign_in", &[]).await;
    let call = async |from: &str| OPTIONS.on(&app).from(from).send().await;
    let other = async || app.login("ada", "x").await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}
