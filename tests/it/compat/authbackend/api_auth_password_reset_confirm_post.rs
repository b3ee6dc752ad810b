//! `POST /api/auth/password-reset/confirm`: sets a new password and uses the code up.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, MINUTE, NEW_PASSWORD, PASSWORD, WireApp, WireCall};

use super::{
    BAD_CODE, authbackend, authbackend_with, done, is_alive, needs_an_api_client, reset_code, wrong,
};

const PATH: &str = "/api/auth/password-reset/confirm";

fn confirm<'a>(wire: &'a WireApp, email: &str, code: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "email": email, "otpCode": code, "newPassword": NEW_PASSWORD }))
}

#[tokio::test]
async fn it_needs_an_api_client() {
    let wire = authbackend().await;
    needs_an_api_client(&wire, &|| confirm(&wire, EMAIL, "123456")).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let good = json!({ "email": EMAIL, "otpCode": "123456", "newPassword": NEW_PASSWORD });
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!("user"), "Email must be a valid email address"),
        ("otpCode", Value::Null, "Otp code is required"),
        ("otpCode", json!(123_456), "Otp code must be a string"),
        ("newPassword", Value::Null, "New password is required"),
        ("newPassword", json!(7), "New password must be a string"),
        ("newPassword", json!("1234567"), "Password must be at least 8 characters"),
        ("newPassword", json!("x".repeat(257)), "Password must be at most 256 characters"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &good, &bad).await;
}

#[tokio::test]
async fn a_reset_ends_every_session_and_notifies_the_owner() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let code = reset_code(&wire).await;
    let (answer, recorded) = wire.recorded(confirm(&wire, EMAIL, &code)).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("Password reset successfully")));
    assert_eq!(
        recorded,
        ["code_shown done reset", "password_reset done", "session_ended done password"]
    );
    assert!(!is_alive(&wire, &session.access).await);
    assert_eq!(wire.app.mails().await.len(), 1);
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 401);
    assert_eq!(wire.login(EMAIL, NEW_PASSWORD).send().await.status, 200);
}

#[tokio::test]
async fn a_wrong_code_changes_nothing_and_is_recorded() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    let (answer, recorded) = wire.recorded(confirm(&wire, EMAIL, wrong(&code))).await;
    assert_eq!(wire.refusal(&answer), BAD_CODE);
    assert_eq!(recorded, ["code_shown refused reset"]);
    let unknown = confirm(&wire, "nobody@example.com", &code).send().await;
    assert_eq!(unknown.text, answer.text);
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 200);
}

#[tokio::test]
async fn a_code_works_once_and_for_ten_minutes() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    wire.app.turn_clock(10 * MINUTE);
    assert_eq!(wire.refusal(&confirm(&wire, EMAIL, &code).send().await), BAD_CODE, "expired");
    let code = reset_code(&wire).await;
    assert_eq!(confirm(&wire, EMAIL, &code).send().await.status, 200);
    assert_eq!(wire.refusal(&confirm(&wire, EMAIL, &code).send().await), BAD_CODE, "used");
}

#[tokio::test]
async fn a_change_of_password_voids_the_code() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let code = reset_code(&wire).await;
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "An0ther-long&passphrase" });
    let changed =
        wire.post("/api/auth/change-password").bearer(&session.access).json(&change).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(wire.refusal(&confirm(&wire, EMAIL, &code).send().await), BAD_CODE);
}

#[tokio::test]
async fn a_locked_account_cannot_be_reset() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = reset_code(&wire).await;
    wire.suspend(EMAIL).await;
    assert_eq!(wire.refusal(&confirm(&wire, EMAIL, &code).send().await), BAD_CODE);
}

#[tokio::test]
async fn three_calls_for_an_address_in_an_hour_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |_| confirm(&wire, EMAIL, "123456");
    wire.is_limited(&call, 3, 3600, "Too many requests. Try again in 1 hour.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_addresses_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| confirm(&wire, EMAIL, "123456");
    wire.has_its_own_limit(Method::POST, PATH, &call, 3).await;
    assert_eq!(wire.refusal(&confirm(&wire, "other@example.com", "123456").send().await), BAD_CODE);
}
