//! `PUT /admin/users/{userId}/quota`: how much an account may upload.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_rules, person};

const SET: Operation = Operation("PUT", "/admin/users/{userId}/quota");

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| SET.at(&app, &[&ada.id]).json(body).bearer(&root).send().await;
    let rules = [
        ("limit", json!(-1), "FIELD_TOO_SHORT"),
        ("limit", json!(1_000_000_001), "FIELD_TOO_LONG"),
        ("limit", json!("3"), "VALIDATION_ERROR"),
        ("limit", json!(1.5), "VALIDATION_ERROR"),
        ("filesUploaded", json!(-1), "FIELD_TOO_SHORT"),
        ("filesUploaded", json!(1_000_000_001), "FIELD_TOO_LONG"),
        ("filesUploaded", json!(true), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({ "limit": 3, "filesUploaded": 1 }), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_field_that_is_absent_stays_and_a_change_is_recorded() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let mut trail = Trail::begin(&app).await;
    for (body, uploaded, limit) in [
        (json!({ "limit": 3, "filesUploaded": 2 }), 2, 3),
        (json!({ "limit": 5 }), 2, 5),
        (json!({ "filesUploaded": 0 }), 0, 5),
        (json!({ "limit": 0 }), 0, 0),
        (json!({ "limit": null }), 0, 10),
    ] {
        let set = SET.at(&app, &[&ada.id]).json(&body).bearer(&root).ok(200).await;
        let data = &set.body["data"];
        assert_eq!(
            (&data["filesUploaded"], &data["limit"]),
            (&json!(uploaded), &json!(limit)),
            "{body}"
        );
        assert_eq!(
            trail.left_by(Some(&root.id), Some(&ada.id)).await,
            ["quota_changed done"],
            "{body}"
        );
    }
}
