//! `PATCH /users/me/mfa/{id}`: another name for a second factor.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{
    Operation, Trail, assert_rules, keys, letters, person, person_with_authenticator,
};

const RENAME: Operation = Operation("PATCH", "/users/me/mfa/{id}");

#[tokio::test]
async fn the_field_has_its_rule() {
    assert_field_has_its_rule(RENAME).await;
}

#[tokio::test]
async fn a_factor_of_another_account_is_not_found() {
    assert_not_found_by_others(RENAME).await;
}

#[tokio::test]
async fn it_is_recorded_and_the_response_has_the_documented_fields_and_no_secret() {
    assert_recorded(RENAME).await;
}

pub async fn assert_field_has_its_rule(rename: Operation) {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let call =
        async |body: &Value| rename.at(&app, &[&phone.id]).json(body).bearer(&ada).send().await;
    let rules = [
        ("deviceName", json!(null), "REQUIRED_FIELD_MISSING"),
        ("deviceName", json!(""), "REQUIRED_FIELD_MISSING"),
        ("deviceName", json!(7), "VALIDATION_ERROR"),
        ("deviceName", letters(101), "FIELD_TOO_LONG"),
        ("deviceName", json!("a\nb"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

pub async fn assert_not_found_by_others(rename: Operation) {
    let app = app().await;
    let (_, phone) = person_with_authenticator(&app, "ada").await;
    let bob = person(&app, "bob", &[]).await;
    for id in [phone.id.as_str(), "unknown"] {
        let call = rename.at(&app, &[id]).json(&json!({ "deviceName": "Mine" })).bearer(&bob);
        call.refused(404, "NOT_FOUND").await;
    }
}

pub async fn assert_recorded(rename: Operation) {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let call =
        rename.at(&app, &[&phone.id]).json(&json!({ "deviceName": "Old phone" })).bearer(&ada);
    let renamed = call.ok(200).await;
    let data = &renamed.body["data"];
    assert_eq!(keys(data), "id type deviceName phone confirmed createdAt lastUsed");
    assert_eq!(data["deviceName"], "Old phone");
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["factor_renamed done"]);
}
