//! `POST /api/auth/password-reset/verify-otp`: checks a reset code without using it up.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, MINUTE, PASSWORD, WireApp, WireCall};

use super::{
    BAD_CODE, authbackend, authbackend_with, done, needs_an_api_client, reset_code, wrong,
};

const PATH: &str = "/api/auth/password-reset/verify-otp";

fn look<'a>(wire: &'a WireApp, email: &str, code: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "email": email, "otpCode": code }))
}

#[tokio::test]
async fn it_needs_an_api_client() {
    let wire = authbackend().await;
    needs_an_api_client(&wire, &|| look(&wire, EMAIL, "123456")).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!({}), "Email must be a string"),
        ("email", json!("user"), "Email must be a valid email address"),
        ("otpCode", Value::Null, "Otp code is required"),
        ("otpCode", json!(123_456), "Otp code must be a string"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "email": EMAIL, "otpCode": "123456" }), &bad)
        .await;
}

#[tokio::test]
async fn a_right_code_stays_usable_and_each_look_is_recorded() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    for _ in 0..7 {
        let (answer, recorded) = wire.recorded(look(&wire, EMAIL, &code)).await;
        assert_eq!((answer.status.as_u16(), answer.body), (200, done("OTP verified successfully")));
        assert_eq!(recorded, ["code_shown done reset"]);
    }
    let (answer, recorded) = wire.recorded(look(&wire, EMAIL, wrong(&code))).await;
    assert_eq!(wire.refusal(&answer), BAD_CODE);
    assert_eq!(recorded, ["code_shown refused reset"]);
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_wrong_code() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    let wrong = look(&wire, EMAIL, wrong(&code)).send().await;
    let unknown = look(&wire, "nobody@example.com", &code).send().await;
    assert_eq!(unknown.text, wrong.text);
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    wire.app.turn_clock(10 * MINUTE);
    assert_eq!(wire.refusal(&look(&wire, EMAIL, &code).send().await), BAD_CODE);
}

#[tokio::test]
async fn a_login_code_is_no_reset_code() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 200);
    let code = wire.mailed_code().await;
    assert_eq!(wire.refusal(&look(&wire, EMAIL, &code).send().await), BAD_CODE);
}

#[tokio::test]
async fn the_code_of_an_account_that_is_locked_meanwhile_is_wrong() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&look(&wire, EMAIL, &code).send().await), BAD_CODE);
}

#[tokio::test]
async fn three_calls_for_an_address_in_ten_minutes_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |_| look(&wire, EMAIL, "123456");
    wire.is_limited(&call, 3, 600, "Too many verification attempts. Try again in 10 minutes.")
        .await;
}

#[tokio::test]
async fn its_limit_leaves_other_addresses_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| look(&wire, EMAIL, "123456");
    wire.has_its_own_limit(Method::POST, PATH, &call, 3).await;
    assert_eq!(wire.refusal(&look(&wire, "other@example.com", "123456").send().await), BAD_CODE);
}
