//! `POST /api/auth/validate-token`: checks an access token.

use serde_json::{Value, json};

use crate::compat::checks::long;
use crate::compat::{EMAIL, WireApp, WireCall};

use super::{BAD_TOKEN, authbackend, enter_as};

const PATH: &str = "/api/auth/validate-token";

/// Without the headers of an API client: the document lists none for this call.
fn validate<'a>(wire: &'a WireApp, token: &str) -> WireCall<'a> {
    wire.post(PATH).without("x-app-id").without("x-service-key").json(&json!({ "token": token }))
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("token", Value::Null, "Token is required"),
        ("token", json!(""), "Token is required"),
        ("token", json!(7), "Token must be a string"),
        ("token", long(8193), "Token must be at most 8192 characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "token": "x" }), &bad).await;
}

#[tokio::test]
async fn the_response_has_the_account_and_its_highest_role() {
    let wire = authbackend().await;
    for (email, role) in
        [(EMAIL, "user"), ("mod@example.com", "moderator"), ("admin@example.com", "admin")]
    {
        let session = enter_as(&wire, email, role).await;
        let (answer, recorded) = wire.recorded(validate(&wire, &session.access)).await;
        let data = json!({ "userId": answer.body["data"]["userId"], "email": email, "role": role });
        assert_eq!(
            answer.body,
            json!({ "success": true, "message": "Token is valid", "data": data })
        );
        assert!(recorded.is_empty(), "{recorded:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_a_401() {
    let wire = authbackend().await;
    wire.refuses_invalid_tokens(&|token| validate(&wire, token), BAD_TOKEN).await;
}

#[tokio::test]
async fn the_token_of_an_ended_session_or_a_locked_account_is_a_401() {
    let wire = authbackend().await;
    wire.refuses_tokens_of_the_past(&|token| validate(&wire, token), BAD_TOKEN).await;
}
