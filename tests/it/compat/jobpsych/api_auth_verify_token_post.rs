//! `POST /api/auth/verify-token`: checks an access token.

use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, WireApp, WireCall, names};

use super::{DEAD_TOKEN, jobpsych};

const PATH: &str = "/api/auth/verify-token";

fn verify<'a>(wire: &'a WireApp, token: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "token": token }))
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
    let bad = [
        ("token", Value::Null, "Token is required"),
        ("token", json!(""), "Token is required"),
        ("token", json!(7), "Token must be a string"),
        ("token", long(8193), "Token must be at most 8192 characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "token": "x" }), &bad).await;
}

#[tokio::test]
async fn a_valid_token_is_decoded_into_four_claims() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let (answer, recorded) = wire.recorded(verify(&wire, &session.access)).await;
    assert_eq!(names(&answer.body), ["success", "decoded"]);
    assert_eq!(names(&answer.body["decoded"]), ["userId", "email", "iat", "exp"]);
    assert!(recorded.is_empty(), "{recorded:?}");
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_a_401() {
    let wire = jobpsych().await;
    wire.refuses_invalid_tokens(&|token| verify(&wire, token), DEAD_TOKEN).await;
}

#[tokio::test]
async fn the_token_of_an_ended_session_or_a_suspended_account_is_a_401() {
    let wire = jobpsych().await;
    wire.refuses_tokens_of_the_past(&|token| verify(&wire, token), DEAD_TOKEN).await;
}
