//! `POST /auth/passkey`: a login with a passkey.

use serde_json::json;

use crate::passkeys::{login_options, with_passkey};
use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_limit, keys, limited};

const LOGIN: Operation = Operation("POST", "/auth/passkey");

#[tokio::test]
async fn it_is_recorded_and_the_response_is_that_of_a_login() {
    let app = app().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let credential = device.get(&login_options(&app).await).unwrap();
    let mut trail = Trail::begin(&app).await;
    let body = json!({ "credential": credential, "rememberMe": false });
    let answer = LOGIN.on(&app).json(&body).ok(200).await;
    assert_eq!(keys(&answer.body["data"]), "accessToken refreshToken expiresIn tokenType user");
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && !cookie.contains("Max-Age"), "{cookie}");
    let left = trail.left().await;
    assert!(left.len() == 1 && left[0].starts_with("login done passkey"), "{left:?}");
    let again = LOGIN.on(&app).json(&body).refused(401, "INVALID_PASSKEY").await;
    assert!(again.cookie().is_none());
    assert_eq!(trail.left().await, [""; 0], "the write that refuses it leaves nothing");
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("sign_in", &[]).await;
    let body = json!({ "credential": {
        "id": "AAAA", "type": "public-key",
        "response": { "clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA" },
    } });
    let call = async |from: &str| LOGIN.on(&app).json(&body).from(from).send().await;
    let other = async || app.post("/v1/auth/passkey/options", &json!({})).send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}
