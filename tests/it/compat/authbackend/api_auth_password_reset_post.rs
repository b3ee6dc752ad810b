//! `POST /api/auth/password-reset`: mails a code that sets a new password.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, WireApp, WireCall};

use super::{authbackend, authbackend_with, done, needs_an_api_client};

const PATH: &str = "/api/auth/password-reset";

fn ask<'a>(wire: &'a WireApp, email: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "email": email }))
}

#[tokio::test]
async fn it_needs_an_api_client() {
    let wire = authbackend().await;
    needs_an_api_client(&wire, &|| ask(&wire, EMAIL)).await;
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!(""), "Email is required"),
        ("email", json!(7), "Email must be a string"),
        ("email", json!("user"), "Email must be a valid email address"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "email": EMAIL }), &bad).await;
}

#[tokio::test]
async fn the_response_does_not_reveal_whether_there_is_an_account() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    for (email, letters) in [(EMAIL, 1), ("nobody@example.com", 0)] {
        let (answer, recorded) = wire.recorded(ask(&wire, email)).await;
        let expected = done("Password reset code sent to your email");
        assert_eq!((answer.status.as_u16(), answer.body), (200, expected));
        assert_eq!(recorded, ["password_reset_requested done code"]);
        assert_eq!(wire.app.mails().await.len(), letters);
    }
}

#[tokio::test]
async fn a_locked_account_gets_no_code() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    wire.suspend(EMAIL).await;
    assert_eq!(ask(&wire, EMAIL).send().await.status, 200);
    assert!(wire.app.mails().await.is_empty());
}

#[tokio::test]
async fn three_calls_for_an_address_in_an_hour_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |_| ask(&wire, EMAIL);
    wire.is_limited(&call, 3, 3600, "Too many requests. Try again in 1 hour.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_addresses_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| ask(&wire, EMAIL);
    wire.has_its_own_limit(Method::POST, PATH, &call, 3).await;
    assert_eq!(ask(&wire, EMAIL).from("192.0.2.9").send().await.status, 429);
    assert_eq!(ask(&wire, "other@example.com").send().await.status, 200);
}
