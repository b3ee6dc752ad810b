//! `POST /auth/signup`: creates an account.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, PASSWORD, names, with};

use super::{jobpath, jobpath_with};

const PATH: &str = "/auth/signup";

fn example() -> Value {
    json!({ "email": EMAIL, "password": PASSWORD })
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpath().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!(""), "Email is required"),
        ("email", json!(true), "Email must be a string"),
        ("email", json!("user example.com"), "Email must be a valid email address"),
        ("email", json!("user@example.com\n"), "Email must not contain control characters"),
        ("password", Value::Null, "Password is required"),
        ("password", json!(12_345_678), "Password must be a string"),
        ("password", json!("1234567"), "Password must be at least 8 characters"),
        ("password", json!("x".repeat(257)), "Password must be at most 256 characters"),
        ("password", json!("secure\u{0}pass"), "Password must not contain control characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &example(), &bad).await;
}

#[tokio::test]
async fn the_length_of_a_password_is_counted_in_characters() {
    let wire = jobpath().await;
    let bad = [("password", json!("ééééééé"), "Password must be at least 8 characters")];
    wire.refuses_fields(&|| wire.post(PATH), &example(), &bad).await;
    let body = with(&example(), "password", json!("éééééééé"));
    assert_eq!(wire.post(PATH).json(&body).send().await.status, 201);
}

#[tokio::test]
async fn an_address_is_taken_in_any_case() {
    let wire = jobpath().await;
    wire.join("User@Example.com").await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(wire.refusal(&answer), (409, "email_already_exists", "Email already exists"));
    assert_eq!(recorded, ["sign_up refused email_taken"]);
}

#[tokio::test]
async fn the_response_has_the_account_and_no_session_begins() {
    let wire = jobpath().await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(answer.status, 201);
    assert_eq!(names(&answer.body), ["id", "email", "created_at"]);
    assert!(answer.cookie().is_none());
    assert_eq!(recorded, ["sign_up done"]);
}

#[tokio::test]
async fn fields_that_the_document_does_not_list_are_ignored() {
    let wire = jobpath().await;
    let body = json!({
        "email": EMAIL, "password": PASSWORD, "id": "mine", "is_active": false, "roles": ["admin"],
    });
    let answer = wire.post(PATH).json(&body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_ne!(answer.body["id"], "mine");
    let session = wire.enter(EMAIL).await;
    let me = wire.get("/auth/me").bearer(&session.access).send().await;
    assert_eq!(me.body["is_active"], true);
    let native = wire.get("/v1/users/me").bearer(&session.access).send().await;
    assert_eq!(native.body["data"]["roles"], json!(["user"]));
}

#[tokio::test]
async fn ten_calls_in_a_minute_are_allowed_and_one_more_every_six_seconds() {
    let wire = jobpath_with(&[]).await;
    let call = |nth| wire.sign_up(&format!("user{nth}@example.com"));
    wire.is_limited(&call, 10, 6, "Too many registration attempts. Try again in 1 minute.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = jobpath_with(&[]).await;
    let call = |nth| wire.sign_up(&format!("user{nth}@example.com"));
    wire.has_its_own_limit(Method::POST, PATH, &call, 10).await;
    assert_eq!(wire.sign_up("other@example.com").from("192.0.2.9").send().await.status, 201);
}
