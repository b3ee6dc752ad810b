//! `POST /admin/keys/rotate`: another signing key, after the lead time or at once.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app};
use crate::v1::fixture::{MINUTE, Operation, Person, Trail, assert_rules, person, token_error};

const ROTATE: Operation = Operation("POST", "/admin/keys/rotate");

async fn rotate(app: &App, root: &Person, mode: &str) -> Answer {
    ROTATE.on(app).json(&json!({ "mode": mode })).bearer(root).send().await
}

fn uses(answer: &Answer) -> Vec<&str> {
    answer.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["usedFor"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_field_has_its_rule_and_a_bad_one_makes_no_key() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| ROTATE.on(&app).json(body).bearer(&root).send().await;
    let rules = [
        ("mode", json!(null), "REQUIRED_FIELD_MISSING"),
        ("mode", json!(7), "VALIDATION_ERROR"),
        ("mode", json!("later"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn each_mode_shows_what_the_keys_are_used_for_and_is_recorded() {
    for (mode, expected, event, token) in [
        ("scheduled", ["next", "signing"], "key_made", ""),
        ("now", ["signing", "verifying"], "key_made", ""),
        ("revoke", ["signing", "ended"], "keys_revoked", "INVALID_TOKEN"),
    ] {
        let app = app().await;
        let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
        app.turn_clock(MINUTE);
        let mut trail = Trail::begin(&app).await;
        let rotated = rotate(&app, &root, mode).await.ok(200);
        assert_eq!(uses(&rotated), expected, "{mode}");
        let id = rotated.body["data"][0]["id"].as_str().unwrap();
        assert_eq!(trail.left_by(Some(&root.id), None).await, [format!("{event} done {id}")]);
        assert_eq!(token_error(&app, &ada).await, token, "{mode}");
        app.login("ada", PASSWORD).await.ok(200);
    }
}
