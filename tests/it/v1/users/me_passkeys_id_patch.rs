//! `PATCH /users/me/passkeys/{id}`: another name for a key.

use serde_json::{Value, json};

use crate::passkeys::{list, with_passkey};
use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_rules, letters, person};

const RENAME: Operation = Operation("PATCH", "/users/me/passkeys/{id}");

#[tokio::test]
async fn the_field_has_its_rule_and_a_change_is_recorded() {
    let app = app().await;
    let (tokens, _) = with_passkey(&app, "ada").await;
    let id = list(&app, &tokens).await["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| RENAME.at(&app, &[&id]).json(body).bearer(&tokens).send().await;
    let rules = [
        ("name", json!(null), "REQUIRED_FIELD_MISSING"),
        ("name", json!(""), "REQUIRED_FIELD_MISSING"),
        ("name", letters(101), "FIELD_TOO_LONG"),
        ("name", json!("a\nb"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
    let renamed = call(&json!({ "name": "Old phone" })).await;
    assert_eq!(renamed.body["data"]["name"], "Old phone");
    let left = trail.left().await;
    assert!(left[0].starts_with("passkey_renamed done passkey"), "{left:?}");
    let bob = person(&app, "bob", &[]).await;
    for id in [id.as_str(), "unknown"] {
        let call = RENAME.at(&app, &[id]).json(&json!({ "name": "Mine" })).bearer(&bob);
        call.refused(404, "NOT_FOUND").await;
    }
}
