//! `PUT /admin/users/{userId}`: names, phone number, status and roles of an account.

use serde_json::{Value, json};

use crate::support::{Answer, App, app};
use crate::v1::fixture::{
    Operation, Person, Trail, assert_rules, delete, keys, letters, person, person_who_may,
    token_error,
};

const UPDATE: Operation = Operation("PUT", "/admin/users/{userId}");

async fn update(app: &App, by: &Person, target: &str, body: Value) -> Answer {
    UPDATE.at(app, &[target]).json(&body).bearer(by).send().await
}

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_one_changes_nothing() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| update(&app, &root, &ada.id, body.clone()).await;
    let rules = [
        ("firstName", json!(7), "VALIDATION_ERROR"),
        ("firstName", letters(101), "FIELD_TOO_LONG"),
        ("lastName", letters(101), "FIELD_TOO_LONG"),
        ("phone", letters(21), "FIELD_TOO_LONG"),
        ("status", json!("asleep"), "VALIDATION_ERROR"),
        ("status", json!("deleted"), "VALIDATION_ERROR"),
        ("status", json!("pending"), "VALIDATION_ERROR"),
        ("roles", json!("admin"), "VALIDATION_ERROR"),
        ("roles", json!(["emperor"]), "VALIDATION_ERROR"),
        ("roles", vec!["user"; 33].into(), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({ "firstName": "New" }), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn each_field_needs_its_permission_and_a_change_is_all_or_nothing() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    let fields = [
        ("writer", "admin.users.write", "firstName", json!("New")),
        ("suspender", "admin.users.suspend", "status", json!("suspended")),
        ("giver", "admin.roles", "roles", json!(["user", "giver"])),
    ];
    for (name, permission, _, _) in &fields {
        person_who_may(&app, &root, name, &[permission]).await;
    }
    let mut trail = Trail::begin(&app).await;
    for (name, _, own, _) in &fields {
        let access = app.login(name, crate::support::PASSWORD).await.tokens().access;
        trail.left().await;
        for (_, _, field, value) in fields.iter().filter(|(_, _, field, _)| field != own) {
            let body = json!({ *field: value });
            let call = UPDATE.at(&app, &[&ada.id]).json(&body).bearer(&access);
            call.refused(403, "INSUFFICIENT_PERMISSIONS").await;
        }
        let all = json!({ "firstName": "New", "status": "suspended", "roles": ["user", "giver"] });
        UPDATE
            .at(&app, &[&ada.id])
            .json(&all)
            .bearer(&access)
            .refused(403, "INSUFFICIENT_PERMISSIONS")
            .await;
        assert_eq!(trail.left().await, [""; 0], "{name}");
    }
    assert_eq!(token_error(&app, &ada).await, "");
}

#[tokio::test]
async fn the_order_of_roles_needs_the_permission_too() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let may = ["admin.users.read", "admin.users.suspend"];
    let suspender = person_who_may(&app, &root, "suspender", &may).await;
    let ada = person(&app, "ada", &["moderator"]).await;
    let mut trail = Trail::begin(&app).await;
    let turned = json!({ "roles": ["moderator", "user"] });
    update(&app, &suspender, &ada.id, turned.clone())
        .await
        .refused(403, "INSUFFICIENT_PERMISSIONS");
    assert_eq!(trail.left().await, [""; 0]);
    let changed = update(&app, &root, &ada.id, turned).await.ok(200);
    assert_eq!(changed.body["data"]["roles"], json!(["moderator", "user"]));
}

#[tokio::test]
async fn an_account_with_more_rights_is_not_changed() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let may = ["admin.users.write", "admin.users.suspend", "admin.roles"];
    let helper = person_who_may(&app, &root, "helper", &may).await;
    let keeper = person_who_may(&app, &root, "keeper", &["admin.keys"]).await;
    let mut trail = Trail::begin(&app).await;
    for body in
        [json!({ "firstName": "New" }), json!({ "status": "suspended" }), json!({ "roles": [] })]
    {
        let refused = update(&app, &helper, &keeper.id, body).await;
        refused.refused(403, "INSUFFICIENT_PERMISSIONS");
    }
    let more = update(&app, &helper, &helper.id, json!({ "roles": ["helper", "keeper"] })).await;
    more.refused(403, "INSUFFICIENT_PERMISSIONS");
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn an_account_is_named_by_its_id_alone() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for name in ["nobody", "root", "root@example.com", "1"] {
        update(&app, &root, name, json!({ "firstName": "New" }))
            .await
            .refused(404, "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_deleted_account_is_not_found() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    delete(&app, &root, &ada.id).await;
    for body in
        [json!({ "firstName": "New" }), json!({ "status": "active" }), json!({ "roles": ["user"] })]
    {
        update(&app, &root, &ada.id, body).await.refused(404, "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_last_administrator_cannot_be_suspended_or_demoted() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    for body in [
        json!({ "status": "suspended" }),
        json!({ "roles": ["user"] }),
        json!({ "firstName": "New", "roles": [] }),
    ] {
        update(&app, &root, &root.id, body).await.refused(409, "LAST_ADMIN");
    }
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn each_change_is_a_record_by_the_administrator_about_the_account() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let mut trail = Trail::begin(&app).await;
    for (body, records) in [
        (json!({ "lastName": "Lovelace" }), vec!["account_changed done"]),
        (json!({ "roles": ["user", "moderator"] }), vec!["roles_changed done +moderator"]),
        (
            json!({ "roles": ["moderator", "user", "user"] }),
            vec!["roles_changed done =moderator user"],
        ),
        (json!({ "roles": ["moderator", "user"] }), vec![]),
        (json!({ "roles": ["user"] }), vec!["roles_changed done -moderator"]),
        (json!({ "status": "active" }), vec![]),
        (json!({ "status": "suspended" }), vec!["suspended done", "session_ended done admin"]),
        (json!({ "status": "suspended" }), vec![]),
        (json!({ "status": "active" }), vec!["unsuspended done"]),
        (json!({}), vec![]),
    ] {
        let changed = update(&app, &root, &ada.id, body.clone()).await.ok(200);
        let fields = "id email username firstName lastName status roles updatedAt version";
        assert_eq!(changed.body["message"], "User updated successfully");
        assert_eq!(keys(&changed.body["data"]), fields);
        assert_eq!(trail.left_by(Some(&root.id), Some(&ada.id)).await, records, "{body}");
    }
}

#[tokio::test]
async fn a_change_of_roles_takes_effect_for_existing_tokens() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    let list = async || app.get("/v1/admin/users").bearer(&ada).send().await;
    list().await.refused(403, "INSUFFICIENT_PERMISSIONS");
    update(&app, &root, &ada.id, json!({ "roles": ["user", "moderator"] })).await.ok(200);
    list().await.ok(200);
    update(&app, &root, &ada.id, json!({ "roles": ["user"] })).await.ok(200);
    list().await.refused(403, "INSUFFICIENT_PERMISSIONS");
}
