//! `POST /admin/apps`: an app, whose key is shown this once.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_rules, keys, letters, person};

const CREATE: Operation = Operation("POST", "/admin/apps");

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_one_registers_nothing() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| CREATE.on(&app).json(body).bearer(&root).send().await;
    let rules = [
        ("name", json!(null), "REQUIRED_FIELD_MISSING"),
        ("name", json!(""), "REQUIRED_FIELD_MISSING"),
        ("name", json!(7), "VALIDATION_ERROR"),
        ("name", json!("a\nb"), "VALIDATION_ERROR"),
        ("name", letters(101), "FIELD_TOO_LONG"),
        ("kind", json!(null), "REQUIRED_FIELD_MISSING"),
        ("kind", json!("robot"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({ "name": "Website", "kind": "client" }), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_is_recorded_without_the_key() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    let body = json!({ "name": "Website", "kind": "client", "key": "sk_mine", "id": "mine" });
    let made = CREATE.on(&app).json(&body).bearer(&root).ok(201).await;
    let data = &made.body["data"];
    assert_eq!(keys(data), "id name kind createdAt rotatedAt key");
    assert_eq!(made.body["message"], "The key is shown only once");
    let (id, key) = (data["id"].as_str().unwrap(), data["key"].as_str().unwrap());
    assert!(
        id != "mine" && key != "sk_mine" && key.starts_with("sk_") && key.len() == 46,
        "{}",
        made.text
    );
    assert_eq!(trail.left_by(Some(&root.id), None).await, [format!("app_created done {id}")]);
}
