//! `GET /api/admin/users/{userId}`: one account.

use serde_json::json;

use crate::compat::{EMAIL, names};

use super::{NO_USER, authbackend, enter_as, needs_permission, number};

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.get("/api/admin/users/1")).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_read_accounts() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| wire.get("/api/admin/users/1"), "admin.users.read").await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    assert_eq!(wire.get("/api/admin/users/1").bearer(&moderator.access).send().await.status, 200);
}

#[tokio::test]
async fn the_response_has_the_document_s_fields_and_no_secret() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let path = format!("/api/admin/users/{}", number(&wire, EMAIL).await);
    let answer = wire.get(&path).bearer(wire.root().await).send().await;
    let user = &answer.body["data"]["user"];
    let fields = ["id", "email", "firstName", "lastName", "role", "isEmailVerified", "createdAt"];
    assert_eq!(names(user), fields);
    assert_eq!((&user["isEmailVerified"], &user["role"]), (&json!(true), &json!("user")));
}

#[tokio::test]
async fn an_unknown_or_deleted_number_is_not_found() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let deleted = number(&wire, EMAIL).await.to_string();
    let text_id = wire.admin_path(EMAIL).await.rsplit('/').next().unwrap().to_owned();
    wire.remove(EMAIL).await;
    for id in
        [deleted.as_str(), &text_id, "0", "-1", "999", "x", "1.0", "99999999999999999999", "%27"]
    {
        let answer =
            wire.get(&format!("/api/admin/users/{id}")).bearer(wire.root().await).send().await;
        assert_eq!(wire.refusal(&answer), NO_USER, "{id}");
    }
}
