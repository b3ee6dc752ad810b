//! `POST /auth/providers/{name}/token`: a login with an ID token from the provider's own library.

use serde_json::{Value, json};

use crate::providers::{Site, verified};
use crate::v1::fixture::{Operation, Trail, assert_rules, keys};

const TOKEN: Operation = Operation("POST", "/auth/providers/{name}/token");

#[tokio::test]
async fn it_is_recorded_and_the_response_is_that_of_a_login() {
    let site = Site::open(&[]).await;
    let token = site.provider.id_token(&verified("s-1", "ada@example.com"));
    let mut trail = Trail::begin(&site.app).await;
    let body = json!({ "idToken": token, "rememberMe": false });
    let answer = TOKEN.at(&site.app, &["acme"]).json(&body).ok(200).await;
    assert_eq!(keys(&answer.body["data"]), "accessToken refreshToken expiresIn tokenType user");
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && !cookie.contains("Max-Age"), "{cookie}");
    let left = trail.left().await;
    assert!(left.iter().any(|line| line.starts_with("login done provider acme")), "{left:?}");
    TOKEN.at(&site.app, &["acme"]).json(&body).refused(400, "PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn its_fields_have_their_rules_and_an_unknown_provider_is_not_found() {
    let site = Site::open(&[]).await;
    let call = async |body: &Value| TOKEN.at(&site.app, &["acme"]).json(body).send().await;
    let valid = json!({ "idToken": "a.b.c" });
    let rules = [
        ("idToken", json!(null), "REQUIRED_FIELD_MISSING"),
        ("nonce", json!(7), "VALIDATION_ERROR"),
        ("firstName", json!(7), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &valid, &rules).await;
    TOKEN.at(&site.app, &["acme"]).json(&valid).refused(400, "PROVIDER_REJECTED").await;
    TOKEN.at(&site.app, &["other"]).json(&valid).refused(404, "NOT_FOUND").await;
}
