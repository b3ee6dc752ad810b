//! `POST /api/auth/verify-token`: checks an access token.

use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, MINUTE, WireApp, WireCall, names};

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
    let session = wire.join_and_enter(EMAIL).await;
    for token in ["jwt-token-here", "a.b.c", &session.refresh, &format!("{}x", session.access)] {
        assert_eq!(wire.refusal(&verify(&wire, token).send().await), DEAD_TOKEN, "{token}");
    }
    wire.app.turn_clock(15 * MINUTE);
    assert_eq!(wire.refusal(&verify(&wire, &session.access).send().await), DEAD_TOKEN, "expired");
}

#[tokio::test]
async fn the_token_of_an_ended_session_or_a_suspended_account_is_a_401() {
    let wire = jobpsych().await;
    let (ended, of_suspended) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    assert_eq!(wire.post("/api/auth/logout").bearer(&ended.access).send().await.status, 200);
    assert_eq!(wire.refusal(&verify(&wire, &ended.access).send().await), DEAD_TOKEN);
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&verify(&wire, &of_suspended.access).send().await), DEAD_TOKEN);
}
