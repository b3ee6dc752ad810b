//! `GET /service/jwt-info`: how the server signs tokens, for a service.

use serde_json::{Value, json};

use crate::support::{app, app_with};
use crate::v1::fixture::{Operation, SERVICE, Trail, assert_services_only, keys};

const INFO: Operation = Operation("GET", "/service/jwt-info");

#[tokio::test]
async fn only_a_service_may_ask() {
    assert_services_only(INFO, &[], Value::Null).await;
}

#[tokio::test]
async fn a_key_pair_has_no_secret_to_describe() {
    let app = app().await;
    let mut trail = Trail::begin(&app).await;
    let info = INFO.on(&app).from(SERVICE).ok(200).await;
    let fields = "algorithm accessExpiresIn refreshExpiresIn environment";
    assert_eq!(keys(&info.body["data"]), fields);
    assert_eq!(
        (&info.body["data"]["algorithm"], &info.body["data"]["secret"]),
        (&json!("ES256"), &json!(null))
    );
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn no_character_of_a_shared_secret_is_shown() {
    let secret = "correct-horse-battery-staple-and-more";
    let app =
        app_with("standard", &[("tokens.algorithm", "HS256"), ("tokens.secret", secret)]).await;
    let info = INFO.on(&app).from(SERVICE).ok(200).await;
    let shown = &info.body["data"]["secret"];
    assert_eq!(keys(shown), "length fingerprint");
    assert_eq!(shown["length"], secret.len());
    assert!(secret.split('-').all(|word| !info.text.contains(word)), "{}", info.text);
}
