//! `PUT /api/auth/profile`: changes the caller's name.

use serde_json::{Value, json};

use crate::compat::{EMAIL, names};

use super::siteworks;

const PATH: &str = "/api/auth/profile";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = siteworks().await;
    wire.needs_a_session(&|| wire.put(PATH).json(&json!({ "name": "Updated Name" }))).await;
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let bad = [
        ("name", json!(7), "Name must be a string"),
        ("name", json!(["John"]), "Name must be a string"),
        ("name", json!("John\r\nDoe"), "Name must not contain control characters"),
    ];
    wire.refuses_fields(&|| wire.put(PATH).bearer(&session.access), &json!({ "name": "x" }), &bad)
        .await;
    let profile = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(profile.body["user"]["name"], "John Doe");
}

#[tokio::test]
async fn an_absent_name_stays_and_an_empty_one_is_cleared() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    for (body, name) in [
        (json!({ "name": "Updated Name" }), json!("Updated Name")),
        (json!({}), json!("Updated Name")),
        (json!({ "name": "" }), Value::Null),
        (json!({ "name": "Jane" }), json!("Jane")),
        (json!({ "name": null }), Value::Null),
    ] {
        let answer = wire.put(PATH).bearer(&session.access).json(&body).send().await;
        assert_eq!((answer.status.as_u16(), &answer.body["user"]["name"]), (200, &name), "{body}");
    }
}

#[tokio::test]
async fn a_name_of_parts_is_replaced_as_a_whole() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let parts = json!({ "firstName": "Ada", "lastName": "Lovelace" });
    assert_eq!(
        wire.put("/v1/users/me").bearer(&session.access).json(&parts).send().await.status,
        200
    );
    let name =
        async || wire.get(PATH).bearer(&session.access).send().await.body["user"]["name"].clone();
    assert_eq!(name().await, "Ada Lovelace");
    let body = json!({ "name": "Updated Name" });
    assert_eq!(wire.put(PATH).bearer(&session.access).json(&body).send().await.status, 200);
    assert_eq!(name().await, "Updated Name");
}

#[tokio::test]
async fn no_other_field_can_be_changed() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let body =
        json!({ "email": "other@example.com", "isVerified": false, "isActive": false, "id": "x" });
    let before = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(wire.put(PATH).bearer(&session.access).json(&body).send().await.status, 200);
    assert_eq!(wire.get(PATH).bearer(&session.access).send().await.text, before.text);
}

#[tokio::test]
async fn the_response_has_the_changed_account_and_the_change_is_recorded() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let call = wire.put(PATH).bearer(&session.access).json(&json!({ "name": "Updated Name" }));
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!(names(&answer.body), ["success", "message", "user"]);
    let profile = wire.get(PATH).bearer(&session.access).send().await;
    assert_eq!(answer.body["user"], profile.body["user"]);
    assert_eq!(recorded, ["profile_changed done"]);
}
