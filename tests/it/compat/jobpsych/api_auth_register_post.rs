//! `POST /api/auth/register`: creates an account and logs it in.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, PASSWORD, names, session_of, with};

use super::{code, jobpsych, jobpsych_with};

const PATH: &str = "/api/auth/register";

fn example() -> Value {
    json!({ "name": "John Doe", "email": EMAIL, "password": PASSWORD, "company_name": "Acme Corp" })
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
    let bad = [
        ("name", Value::Null, "Name is required"),
        ("name", json!(""), "Name is required"),
        ("name", json!(7), "Name must be a string"),
        ("name", long(256), "Name must be at most 255 characters"),
        ("name", json!("a\tb"), "Name must not contain control characters"),
        ("email", Value::Null, "Email is required"),
        ("email", json!(7), "Email must be a string"),
        ("email", json!("john"), "Email must be a valid email address"),
        ("password", Value::Null, "Password is required"),
        ("password", json!(7), "Password must be a string"),
        ("password", json!("1234567"), "Password must be at least 8 characters"),
        ("password", json!("x".repeat(257)), "Password must be at most 256 characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &example(), &bad).await;
}

#[tokio::test]
async fn a_company_is_required_and_has_at_most_255_characters() {
    let wire = jobpsych().await;
    for (value, status) in [(Value::Null, 400), (json!(""), 400), (json!(7), 400), (long(256), 422)]
    {
        let answer = wire.post(PATH).json(&with(&example(), "company_name", value)).send().await;
        assert_eq!(code(&wire, &answer), (status, "VALIDATION_ERROR"));
        assert_eq!(
            wire.rows(&answer).iter().map(|row| row.0).collect::<Vec<_>>(),
            ["company_name"]
        );
    }
}

#[tokio::test]
async fn one_missing_field_makes_it_a_400() {
    let wire = jobpsych().await;
    let body = json!({ "name": "John Doe", "email": "john", "password": "short" });
    let answer = wire.post(PATH).json(&body).send().await;
    assert_eq!(code(&wire, &answer), (400, "VALIDATION_ERROR"));
    let fields: Vec<_> = wire.rows(&answer).iter().map(|row| row.0).collect();
    assert_eq!(fields, ["email", "company_name", "password"]);
}

#[tokio::test]
async fn an_address_is_taken_in_any_case() {
    let wire = jobpsych().await;
    wire.join("User@Example.com").await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(wire.refusal(&answer), (409, "EMAIL_EXISTS", "User with this email already exists"));
    assert!(answer.cookie().is_none());
    assert_eq!(recorded, ["sign_up refused email_taken"]);
}

#[tokio::test]
async fn the_refresh_token_is_in_the_cookie_alone() {
    let wire = jobpsych().await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(answer.status, 201);
    assert_eq!(names(&answer.body), ["success", "message", "accessToken", "user"]);
    assert_eq!(
        names(&answer.body["user"]),
        ["id", "name", "email", "company_name", "filesUploaded"]
    );
    assert!(!answer.text.contains(&answer.cookie().unwrap()));
    assert!(!answer.text.contains(PASSWORD) && !answer.text.contains("argon2"), "{}", answer.text);
    assert_eq!(recorded, ["sign_up done", "login done"]);
}

#[tokio::test]
async fn fields_that_the_document_does_not_list_are_ignored() {
    let wire = jobpsych().await;
    let body = with(&with(&example(), "filesUploaded", json!(-90)), "id", json!("77"));
    let answer = wire.post(PATH).json(&body).send().await;
    assert_eq!(
        (&answer.body["user"]["id"], &answer.body["user"]["filesUploaded"]),
        (&json!("1"), &json!(0))
    );
    let native = wire.get("/v1/users/me").bearer(&session_of(&answer).access).send().await;
    assert_eq!(native.body["data"]["roles"], json!(["user"]));
}

#[tokio::test]
async fn ten_calls_in_a_minute_are_allowed_and_one_more_every_six_seconds() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| wire.sign_up(&format!("user{nth}@example.com"));
    wire.is_limited(&call, 10, 6, "Too many registration attempts. Try again in 1 minute.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| wire.sign_up(&format!("user{nth}@example.com"));
    wire.has_its_own_limit(Method::POST, PATH, &call, 10).await;
    assert_eq!(wire.sign_up("other@example.com").from("192.0.2.9").send().await.status, 201);
}
