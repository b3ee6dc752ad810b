//! `PUT /api/admin/users/{userId}/role`: sets the only role of an account.

use serde_json::{Value, json};

use crate::compat::{EMAIL, WireApp, WireCall};

use super::{
    LAST_ADMIN, NO_USER, NOT_ALLOWED, authbackend, done, enter_as, needs_permission, number,
};

fn set<'a>(wire: &'a WireApp, number: i64, role: &str) -> WireCall<'a> {
    wire.put(&format!("/api/admin/users/{number}/role")).json(&json!({ "role": role }))
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| set(&wire, 1, "user")).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_manage_roles() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| set(&wire, 1, "user"), "admin.roles").await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    let own = number(&wire, "mod@example.com").await;
    let answer = set(&wire, own, "admin").bearer(&moderator.access).send().await;
    assert_eq!(wire.refusal(&answer), NOT_ALLOWED);
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let path = format!("/api/admin/users/{}/role", number(&wire, EMAIL).await);
    let root = wire.root().await;
    let bad = [
        ("role", Value::Null, "Role is required"),
        ("role", json!(""), "Role is required"),
        ("role", json!(["admin"]), "Role must be a string"),
        ("role", json!("king"), "There is no role named \"king\""),
        ("role", json!("Admin"), "There is no role named \"Admin\""),
    ];
    wire.refuses_fields(&|| wire.put(&path).bearer(root), &json!({ "role": "user" }), &bad).await;
}

#[tokio::test]
async fn the_new_role_replaces_the_others_and_holds_at_once() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let (id, list) =
        (number(&wire, EMAIL).await, || wire.get("/api/admin/users").bearer(&session.access));
    for (role, recorded_as, status) in [
        ("moderator", ["roles_changed done +moderator", "roles_changed done -user"], 200),
        ("user", ["roles_changed done +user", "roles_changed done -moderator"], 403),
    ] {
        let (answer, recorded) =
            wire.recorded(set(&wire, id, role).bearer(wire.root().await)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body),
            (200, done("User role updated successfully"))
        );
        assert_eq!(recorded, recorded_as);
        assert_eq!(list().send().await.status, status, "with the token of before");
    }
}

#[tokio::test]
async fn a_role_that_the_account_has_changes_nothing() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let id = number(&wire, EMAIL).await;
    let (answer, recorded) = wire.recorded(set(&wire, id, "user").bearer(wire.root().await)).await;
    assert_eq!(answer.status, 200);
    assert!(recorded.is_empty(), "{recorded:?}");
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let wire = authbackend().await;
    let root = number(&wire, "root@example.com").await;
    let answer = set(&wire, root, "user").bearer(wire.root().await).send().await;
    assert_eq!(wire.refusal(&answer), LAST_ADMIN);
    enter_as(&wire, EMAIL, "admin").await;
    assert_eq!(set(&wire, root, "user").bearer(wire.root().await).send().await.status, 200);
}

#[tokio::test]
async fn an_unknown_number_is_not_found() {
    let wire = authbackend().await;
    let answer = set(&wire, 999, "user").bearer(wire.root().await).send().await;
    assert_eq!(wire.refusal(&answer), NO_USER);
}
