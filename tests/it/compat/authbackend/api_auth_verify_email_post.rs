//! `POST /api/auth/verify-email`: verifies the address that a token was mailed to.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, PASSWORD, WireApp, WireCall};
use crate::support::token_in;

use super::{authbackend, authbackend_with, done};

const PATH: &str = "/api/auth/verify-email";
const BAD_TOKEN: (u16, &str, &str) = (400, "TOKEN_ERROR", "Invalid or expired token");

/// Without the headers of an API client: the document lists none for this call.
fn verify<'a>(wire: &'a WireApp, token: &str) -> WireCall<'a> {
    wire.post(PATH).without("x-app-id").without("x-service-key").json(&json!({ "token": token }))
}

/// Creates the account; returns the mailed token.
async fn mailed(wire: &WireApp) -> String {
    assert_eq!(wire.sign_up(EMAIL).send().await.status, 200);
    token_in(&wire.app.mails().await, "verify-email?token=")
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("token", Value::Null, "Token is required"),
        ("token", json!(""), "Token is required"),
        ("token", json!(7), "Token must be a string"),
        ("token", long(513), "Token must be at most 512 characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "token": "x" }), &bad).await;
}

#[tokio::test]
async fn a_used_token_says_that_the_address_is_verified_and_records_nothing() {
    let wire = authbackend().await;
    let token = mailed(&wire).await;
    for (message, expected) in [
        ("Email verified successfully", vec!["email_verified done"]),
        ("Email is already verified", vec![]),
    ] {
        let (answer, recorded) = wire.recorded(verify(&wire, &token)).await;
        assert_eq!((answer.status.as_u16(), answer.body), (200, done(message)));
        assert_eq!(recorded, expected);
    }
}

#[tokio::test]
async fn a_token_lives_a_day() {
    let wire = authbackend().await;
    let token = mailed(&wire).await;
    wire.app.turn_clock(Duration::from_hours(24));
    assert_eq!(wire.refusal(&verify(&wire, &token).send().await), BAD_TOKEN);
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 401, "still not verified");
}

#[tokio::test]
async fn a_token_of_another_kind_is_no_verification_token() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    for token in ["verification-token-from-email", &session.access, &session.refresh] {
        assert_eq!(verify(&wire, token).send().await.status, 400, "{token}");
    }
}

#[tokio::test]
async fn the_token_of_a_locked_account_is_void() {
    let wire = authbackend().await;
    let token = mailed(&wire).await;
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&verify(&wire, &token).send().await), BAD_TOKEN);
}

#[tokio::test]
async fn five_calls_in_fifteen_minutes_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |nth| verify(&wire, &format!("token{nth}"));
    wire.is_limited(&call, 5, 900, "Too many requests. Try again in 15 minutes.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| verify(&wire, "nothing");
    wire.has_its_own_limit(Method::POST, PATH, &call, 5).await;
    wire.is_refused(&call(0).send().await, 900, "Too many requests. Try again in 15 minutes.");
    assert_eq!(wire.refusal(&verify(&wire, "nothing").from("192.0.2.9").send().await), BAD_TOKEN);
}
