//! `PUT /users/me`: names and phone number of the caller.

use serde_json::{Value, json};

use crate::support::{app, app_with};
use crate::v1::fixture::{Operation, Trail, assert_rules, keys, letters, person};

const UPDATE: Operation = Operation("PUT", "/users/me");
const GET: Operation = Operation("GET", "/users/me");

#[tokio::test]
async fn each_field_has_its_rule_and_a_bad_one_changes_nothing() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| UPDATE.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("firstName", json!(7), "VALIDATION_ERROR"),
        ("firstName", letters(101), "FIELD_TOO_LONG"),
        ("firstName", json!("A\u{7}da"), "VALIDATION_ERROR"),
        ("lastName", json!(["L"]), "VALIDATION_ERROR"),
        ("lastName", letters(101), "FIELD_TOO_LONG"),
        ("phone", json!(123), "VALIDATION_ERROR"),
        ("phone", letters(21), "FIELD_TOO_LONG"),
    ];
    assert_rules(
        call,
        &json!({ "firstName": "New", "lastName": "New", "phone": "+1234567890" }),
        &rules,
    )
    .await;
    let me = GET.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(
        (&me.body["data"]["firstName"], &me.body["data"]["lastName"]),
        (&json!("Given"), &json!("Family"))
    );
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_name_that_sign_up_requires_cannot_be_cleared() {
    let app = app_with("perfect21", &[("tokens.algorithm", "ES256")]).await;
    let ada = person(&app, "ada", &[]).await;
    for (field, empty) in
        [("firstName", json!("")), ("firstName", json!(null)), ("lastName", json!(""))]
    {
        let answer = UPDATE.on(&app).json(&json!({ field: empty })).bearer(&ada).send().await;
        let answer = answer.refused(400, "VALIDATION_ERROR");
        assert_eq!(answer.body["error"]["details"][0]["code"], "REQUIRED_FIELD_MISSING", "{field}");
    }
}

#[tokio::test]
async fn a_field_that_is_absent_stays_and_null_clears() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = async |body: Value| UPDATE.on(&app).json(&body).bearer(&ada).ok(200).await;
    call(json!({ "phone": "+1234567890" })).await;
    let changed = call(json!({ "firstName": null })).await;
    let data = &changed.body["data"];
    assert_eq!(
        (&data["firstName"], &data["lastName"], &data["phone"]),
        (&json!(null), &json!("Family"), &json!("+1234567890"))
    );
    assert_eq!(call(json!({})).await.body["data"]["lastName"], "Family");
}

#[tokio::test]
async fn fields_that_the_owner_cannot_change_are_ignored() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let before = GET.on(&app).bearer(&ada).send().await.body["data"].clone();
    let hostile = json!({
        "id": "x", "email": "evil@example.com", "username": "evil", "roles": ["admin"], "permissions": ["admin.roles"],
        "status": "deleted", "emailVerified": false, "phoneVerified": true, "password": "x", "createdAt": "2001-01-01T00:00:00Z",
    });
    UPDATE.on(&app).json(&hostile).bearer(&ada).ok(200).await;
    assert_eq!(GET.on(&app).bearer(&ada).send().await.body["data"], before);
}

#[tokio::test]
async fn it_is_recorded_and_the_response_has_the_documented_fields() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let changed =
        UPDATE.on(&app).json(&json!({ "lastName": "Lovelace" })).bearer(&ada).ok(200).await;
    let fields = "id email username firstName lastName phone updatedAt";
    assert_eq!(changed.body["message"], "Profile updated successfully");
    assert_eq!(keys(&changed.body["data"]), fields);
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["profile_changed done"]);
}
