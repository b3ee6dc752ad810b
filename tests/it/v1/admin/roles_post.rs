//! `POST /admin/roles`: a role of the service's own.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_rules, keys, letters, person, person_who_may};

const CREATE: Operation = Operation("POST", "/admin/roles");

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_one_creates_nothing() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| CREATE.on(&app).json(body).bearer(&root).send().await;
    let rules = [
        ("name", json!(null), "REQUIRED_FIELD_MISSING"),
        ("name", json!(""), "REQUIRED_FIELD_MISSING"),
        ("name", json!(7), "VALIDATION_ERROR"),
        ("name", json!("Editor"), "VALIDATION_ERROR"),
        ("name", json!("an editor"), "VALIDATION_ERROR"),
        ("name", letters(65), "FIELD_TOO_LONG"),
        ("permissions", json!(null), "REQUIRED_FIELD_MISSING"),
        ("permissions", json!("admin.stats"), "VALIDATION_ERROR"),
        ("permissions", vec!["posts.write"; 101].into(), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({ "name": "editor", "permissions": ["posts.write"] }), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn each_bad_permission_is_named_by_its_place() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "name": "editor", "permissions": ["posts.write", "admin.everything", "Posts", "", "admin"] });
    let refused = CREATE.on(&app).json(&body).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    let rows = refused.body["error"]["details"].as_array().unwrap();
    let fields: Vec<_> = rows.iter().map(|row| row["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["permissions[1]", "permissions[2]", "permissions[3]", "permissions[4]"]);
}

#[tokio::test]
async fn a_taken_name_is_a_conflict() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person_who_may(&app, &root, "support", &[]).await;
    for name in ["user", "admin", "moderator", "support"] {
        let body = json!({ "name": name, "permissions": [] });
        CREATE.on(&app).json(&body).bearer(&root).refused(409, "ALREADY_EXISTS").await;
    }
}

#[tokio::test]
async fn a_permission_that_the_caller_lacks_is_not_granted() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let helper = person_who_may(&app, &root, "helper", &["admin.roles", "posts.write"]).await;
    let mut trail = Trail::begin(&app).await;
    for permission in ["admin.keys", "posts.delete"] {
        let body = json!({ "name": "editor", "permissions": ["posts.write", permission] });
        CREATE.on(&app).json(&body).bearer(&helper).refused(403, "INSUFFICIENT_PERMISSIONS").await;
    }
    assert_eq!(trail.left().await, [""; 0]);
    let body = json!({ "name": "editor", "permissions": ["posts.write"] });
    CREATE.on(&app).json(&body).bearer(&helper).ok(201).await;
}

#[tokio::test]
async fn it_is_recorded_and_the_response_has_the_documented_fields() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    let body =
        json!({ "name": "editor", "permissions": ["posts.write", "admin.stats", "posts.write"] });
    let made = CREATE.on(&app).json(&body).bearer(&root).ok(201).await;
    let data = &made.body["data"];
    assert_eq!(keys(data), "name permissions builtIn members createdAt");
    assert_eq!(
        (&data["permissions"], &data["members"]),
        (&json!(["admin.stats", "posts.write"]), &json!(0))
    );
    assert_eq!(trail.left_by(Some(&root.id), None).await, ["role_created done editor"]);
}
