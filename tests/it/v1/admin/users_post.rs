//! `POST /admin/users`: an account that an administrator creates.

use serde_json::{Value, json};

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, assert_rules, keys, letters, person, person_who_may};

const CREATE: Operation = Operation("POST", "/admin/users");

fn ada() -> Value {
    json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = ada();
    body[field] = value;
    body
}

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_one_creates_nothing() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| CREATE.on(&app).json(body).bearer(&root).send().await;
    let rules = [
        ("email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!("ada"), "INVALID_EMAIL_FORMAT"),
        ("username", json!("ab"), "FIELD_TOO_SHORT"),
        ("username", json!("ada lovelace"), "INVALID_USERNAME_FORMAT"),
        ("password", json!(null), "REQUIRED_FIELD_MISSING"),
        ("password", json!("eleven char"), "FIELD_TOO_SHORT"),
        ("password", letters(257), "FIELD_TOO_LONG"),
        ("password", json!("password1234"), "INVALID_PASSWORD_STRENGTH"),
        ("password", json!("ada@example.com"), "INVALID_PASSWORD_STRENGTH"),
        ("firstName", letters(101), "FIELD_TOO_LONG"),
        ("lastName", letters(101), "FIELD_TOO_LONG"),
        ("roles", json!("admin"), "VALIDATION_ERROR"),
        ("roles", json!(["emperor"]), "VALIDATION_ERROR"),
        ("roles", vec!["user"; 33].into(), "FIELD_TOO_LONG"),
        ("emailVerified", json!("yes"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &ada(), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_taken_address_or_username_is_a_conflict() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("pending").await.ok(201);
    for (field, taken, code) in [
        ("email", "ROOT@example.com", "EMAIL_EXISTS"),
        ("email", "pending@example.com", "EMAIL_EXISTS"),
        ("username", "Root", "USERNAME_EXISTS"),
        ("username", "pending", "USERNAME_EXISTS"),
    ] {
        let body = with(field, taken.into());
        CREATE.on(&app).json(&body).bearer(&root).refused(409, code).await;
    }
}

#[tokio::test]
async fn roles_need_their_permission_and_never_exceed_the_callers_rights() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let writer = person_who_may(&app, &root, "writer", &["admin.users.write"]).await;
    let giver = person_who_may(&app, &root, "giver", &["admin.users.write", "admin.roles"]).await;
    let mut trail = Trail::begin(&app).await;
    for (caller, role) in [(&writer, "writer"), (&giver, "admin"), (&giver, "moderator")] {
        let body = with("roles", json!([role]));
        CREATE.on(&app).json(&body).bearer(caller).refused(403, "INSUFFICIENT_PERMISSIONS").await;
    }
    assert_eq!(trail.left().await, [""; 0], "no account without the role either");
    let body = with("roles", json!(["giver"]));
    let made = CREATE.on(&app).json(&body).bearer(&giver).ok(201).await;
    assert_eq!(made.body["data"]["roles"], json!(["user", "giver"]));
    let id = made.body["data"]["id"].as_str();
    assert_eq!(
        trail.left_by(Some(&giver.id), id).await,
        ["account_created done", "roles_changed done +giver"]
    );
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_password() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let made = CREATE.on(&app).json(&ada()).bearer(&root).ok(201).await;
    let fields =
        "id email username firstName lastName status emailVerified lastLogin createdAt roles";
    assert_eq!(made.body["message"], "User created successfully");
    assert_eq!(keys(&made.body["data"]), fields);
    assert!(!made.text.contains(PASSWORD) && !made.text.contains("argon2"), "{}", made.text);
}
