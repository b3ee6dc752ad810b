//! `POST /api/auth/register`: creates an account and logs it in.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, PASSWORD, names, session_of, text, with};

use super::{siteworks, siteworks_with};

const PATH: &str = "/api/auth/register";

fn example() -> Value {
    json!({ "email": EMAIL, "password": PASSWORD, "name": "John Doe" })
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = siteworks().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!(""), "Email is required"),
        ("email", json!(7), "Email must be a string"),
        ("email", json!("nobody"), "Email must be a valid email address"),
        ("email", json!("a\u{0}@example.com"), "Email must not contain control characters"),
        ("password", Value::Null, "Password is required"),
        ("password", json!([]), "Password must be a string"),
        (
            "password",
            json!(format!("Aa1!{}", "x".repeat(253))),
            "Password must be at most 256 characters",
        ),
        ("name", json!(7), "Name must be a string"),
        ("name", json!("a\nb"), "Name must not contain control characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &example(), &bad).await;
}

#[tokio::test]
async fn a_password_has_eight_characters_of_four_kinds() {
    let wire = siteworks().await;
    let bad = [
        ("password", json!("Short1!"), "Password must be at least 8 characters"),
        ("password", json!("securepass123!"), "Password must include an uppercase letter"),
        ("password", json!("SECUREPASS123!"), "Password must include a lowercase letter"),
        ("password", json!("SecurePass!!!"), "Password must include a number"),
        ("password", json!("SecurePass123"), "Password must include a special character"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &example(), &bad).await;
}

#[tokio::test]
async fn an_address_is_taken_in_any_case() {
    let wire = siteworks().await;
    wire.join("User@Example.com").await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(wire.refusal(&answer), (409, "USER_EXISTS", "User with this email already exists"));
    assert_eq!(recorded, ["sign_up refused email_taken"]);
}

#[tokio::test]
async fn the_response_has_the_account_and_its_tokens_and_nothing_else() {
    let wire = siteworks().await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).json(&example())).await;
    assert_eq!(names(&answer.body), ["success", "message", "user", "tokens"]);
    let user = ["id", "email", "name", "isVerified", "isActive", "createdAt"];
    assert_eq!(names(&answer.body["user"]), user);
    assert_eq!(names(&answer.body["tokens"]), ["accessToken", "refreshToken", "expiresAt"]);
    assert!(answer.cookie().is_none());
    assert!(!answer.text.contains(PASSWORD) && !answer.text.contains("argon2"), "{}", answer.text);
    assert_eq!(recorded, ["sign_up done", "login done"]);
}

#[tokio::test]
async fn fields_that_the_document_does_not_list_are_ignored() {
    let wire = siteworks().await;
    let mut body = example();
    for (name, value) in
        [("id", json!("mine")), ("roles", json!(["admin"])), ("isActive", json!(false))]
    {
        body = with(&body, name, value);
    }
    let answer = wire.post(PATH).json(&body).send().await;
    assert_eq!((answer.status.as_u16(), &answer.body["user"]["isActive"]), (201, &json!(true)));
    assert_ne!(text(&answer, "/user/id"), "mine");
    let access = session_of(&answer).access;
    let native = wire.get("/v1/users/me").bearer(&access).send().await;
    assert_eq!(native.body["data"]["roles"], json!(["user"]), "{}", native.text);
}

#[tokio::test]
async fn five_calls_in_fifteen_minutes_are_allowed() {
    let wire = siteworks_with(&[]).await;
    let call = |nth| wire.sign_up(&format!("user{nth}@example.com"));
    wire.is_limited(&call, 5, 900, "Too many registration attempts. Try again in 15 minutes.")
        .await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = siteworks_with(&[]).await;
    let call = |nth| wire.sign_up(&format!("user{nth}@example.com"));
    wire.has_its_own_limit(Method::POST, PATH, &call, 5).await;
    assert_eq!(wire.sign_up("other@example.com").from("192.0.2.9").send().await.status, 201);
}
