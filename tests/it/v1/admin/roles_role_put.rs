//! `PUT /admin/roles/{role}`: the permissions of a role.

use serde_json::{Value, json};

use crate::support::{Answer, App, app};
use crate::v1::fixture::{Operation, Person, Trail, assert_rules, keys, person, person_who_may};

const UPDATE: Operation = Operation("PUT", "/admin/roles/{role}");

async fn update(app: &App, by: &Person, role: &str, permissions: &[&str]) -> Answer {
    UPDATE.at(app, &[role]).json(&json!({ "permissions": permissions })).bearer(by).send().await
}

#[tokio::test]
async fn the_field_has_its_rule() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person_who_may(&app, &root, "support", &["admin.stats"]).await;
    let mut trail = Trail::begin(&app).await;
    let call =
        async |body: &Value| UPDATE.at(&app, &["support"]).json(body).bearer(&root).send().await;
    let rules = [
        ("permissions", json!(null), "REQUIRED_FIELD_MISSING"),
        ("permissions", json!({}), "VALIDATION_ERROR"),
        ("permissions", vec!["posts.write"; 101].into(), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    let refused = update(&app, &root, "support", &["admin.everything"])
        .await
        .refused(400, "VALIDATION_ERROR");
    assert_eq!(refused.body["error"]["details"][0]["field"], "permissions[0]");
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn an_unknown_role_is_not_found_and_a_built_in_one_cannot_be_changed() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    update(&app, &root, "nothing", &[]).await.refused(404, "NOT_FOUND");
    for role in ["user", "moderator", "admin"] {
        update(&app, &root, role, &["admin.stats"]).await.refused(400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn neither_what_it_grants_nor_what_it_granted_may_exceed_the_caller() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person_who_may(&app, &root, "keeper", &["admin.keys"]).await;
    person_who_may(&app, &root, "reader", &["admin.stats"]).await;
    let helper = person_who_may(&app, &root, "helper", &["admin.roles", "admin.stats"]).await;
    let mut trail = Trail::begin(&app).await;
    for (role, permissions) in
        [("reader", ["admin.keys"]), ("helper", ["admin.users.write"]), ("keeper", ["admin.stats"])]
    {
        update(&app, &helper, role, &permissions).await.refused(403, "INSUFFICIENT_PERMISSIONS");
    }
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_replaces_all_permissions_at_once_and_is_recorded() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let support = person_who_may(&app, &root, "support", &["admin.stats"]).await;
    let mut trail = Trail::begin(&app).await;
    let changed = update(&app, &root, "support", &["admin.audit"]).await.ok(200);
    assert_eq!(keys(&changed.body["data"]), "name permissions builtIn members createdAt");
    assert_eq!(changed.body["data"]["permissions"], json!(["admin.audit"]));
    assert_eq!(trail.left_by(Some(&root.id), None).await, ["role_changed done support"]);
    let get = async |path: &str| app.get(path).bearer(&support).send().await;
    get("/v1/admin/stats").await.refused(403, "INSUFFICIENT_PERMISSIONS");
    get("/v1/admin/audit").await.ok(200);
}
