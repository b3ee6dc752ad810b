//! `POST /api/auth/signup`: creates an account and mails a verification link.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, PASSWORD, names, with};
use crate::support::token_in;

use super::{authbackend, authbackend_with, needs_an_api_client};

const PATH: &str = "/api/auth/signup";

fn example() -> Value {
    json!({ "email": EMAIL, "firstName": "John", "lastName": "Doe", "password": PASSWORD, "role": "user" })
}

#[tokio::test]
async fn it_needs_an_api_client() {
    let wire = authbackend().await;
    needs_an_api_client(&wire, &|| wire.post(PATH).json(&example())).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!(7), "Email must be a string"),
        ("email", json!("user@"), "Email must be a valid email address"),
        ("firstName", json!(7), "First name must be a string"),
        ("firstName", long(101), "First name must be at most 100 characters"),
        ("firstName", json!("a\nb"), "First name must not contain control characters"),
        ("lastName", json!([]), "Last name must be a string"),
        ("lastName", long(101), "Last name must be at most 100 characters"),
        ("password", Value::Null, "Password is required"),
        ("password", json!(7), "Password must be a string"),
        ("password", json!("1234567"), "Password must be at least 8 characters"),
        ("password", json!("x".repeat(257)), "Password must be at most 256 characters"),
        ("role", json!(7), "Role must be a string"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &example(), &bad).await;
}

#[tokio::test]
async fn names_and_role_may_be_left_out() {
    let wire = authbackend().await;
    let answer =
        wire.post(PATH).json(&json!({ "email": EMAIL, "password": PASSWORD })).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn no_other_role_can_be_chosen() {
    let wire = authbackend().await;
    for role in ["admin", "moderator", "User", "king"] {
        let (answer, recorded) =
            wire.recorded(wire.post(PATH).json(&with(&example(), "role", json!(role)))).await;
        let expected = (403, "AUTHORIZATION_ERROR", "A sign-up cannot choose this role");
        assert_eq!(wire.refusal(&answer), expected, "{role}");
        assert!(recorded.is_empty(), "{recorded:?}");
    }
    assert_eq!(wire.post(PATH).json(&example()).send().await.body["data"]["userId"], 1);
}

#[tokio::test]
async fn a_taken_address_is_a_400_in_any_case() {
    let wire = authbackend().await;
    wire.join("User@Example.com").await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(wire.refusal(&answer), (400, "VALIDATION_ERROR", "Email already exists"));
    assert_eq!(recorded, ["sign_up refused email_taken"]);
    assert!(wire.app.mails().await.is_empty());
}

#[tokio::test]
async fn the_response_has_neither_a_session_nor_the_mailed_token() {
    let wire = authbackend().await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(names(&answer.body), ["success", "message", "data"]);
    assert_eq!(names(&answer.body["data"]), ["userId", "email", "emailVerificationRequired"]);
    let token = token_in(&wire.app.mails().await, "verify-email?token=");
    assert!(!answer.text.contains(&token) && answer.cookie().is_none());
    assert_eq!(recorded, ["sign_up done"]);
}

#[tokio::test]
async fn five_calls_for_an_address_in_fifteen_minutes_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |_| wire.sign_up(EMAIL);
    wire.is_limited(&call, 5, 900, "Too many registration attempts. Try again in 15 minutes.")
        .await;
}

#[tokio::test]
async fn its_limit_leaves_other_addresses_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| wire.sign_up(EMAIL);
    wire.has_its_own_limit(Method::POST, PATH, &call, 5).await;
    assert_eq!(
        wire.sign_up(EMAIL).from("192.0.2.9").send().await.status,
        429,
        "the server's address does not count"
    );
    assert_eq!(wire.sign_up("other@example.com").send().await.status, 200);
}
