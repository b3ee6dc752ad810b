//! `POST /api/auth/login`: checks the password and mails a code.

use poem::http::Method;
use serde_json::json;

use crate::compat::checks::{LOCKOUT, WRONG_PASSWORD};
use crate::compat::{EMAIL, PASSWORD, names};

use super::{authbackend, authbackend_with, needs_an_api_client};

const PATH: &str = "/api/auth/login";
const INVALID: (u16, &str, &str) = (401, "AUTHENTICATION_ERROR", "Invalid email or password");

#[tokio::test]
async fn it_needs_an_api_client() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    needs_an_api_client(&wire, &|| wire.login(EMAIL, PASSWORD)).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    wire.refuses_bad_credentials().await;
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_wrong_password() {
    let wire = authbackend().await;
    wire.hides_who_has_an_account(INVALID).await;
}

#[tokio::test]
async fn an_unverified_account_gets_another_link_after_the_right_password_alone() {
    let wire = authbackend().await;
    assert_eq!(wire.sign_up(EMAIL).send().await.status, 200);
    wire.app.mails().await;
    assert_eq!(wire.refusal(&wire.login(EMAIL, WRONG_PASSWORD).send().await), INVALID);
    assert!(wire.app.mails().await.is_empty());
    let (answer, recorded) = wire.recorded(wire.login(EMAIL, PASSWORD)).await;
    let expected = (401, "AUTHENTICATION_ERROR", "Please verify your email before logging in");
    assert_eq!(wire.refusal(&answer), expected);
    assert_eq!(recorded, ["login refused unverified"]);
    let letters = wire.app.mails().await;
    assert!(letters.len() == 1 && letters[0].text.contains("verify-email?token="), "{letters:?}");
}

#[tokio::test]
async fn a_locked_account_is_revealed_to_the_right_password_alone() {
    let wire = authbackend().await;
    wire.reveals_a_suspension_to_its_owner((403, "AUTHORIZATION_ERROR", "Account is locked")).await;
}

#[tokio::test]
async fn a_deleted_account_is_revealed_to_the_right_password_alone() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    wire.remove(EMAIL).await;
    let answer = wire.login(EMAIL, PASSWORD).send().await;
    assert_eq!(wire.refusal(&answer), (403, "AUTHORIZATION_ERROR", "Account has been deleted"));
    assert_eq!(wire.refusal(&wire.login(EMAIL, WRONG_PASSWORD).send().await), INVALID);
}

#[tokio::test]
async fn the_response_has_no_token_and_the_code_is_in_the_letter_alone() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let (answer, recorded) = wire.recorded(wire.login(EMAIL, PASSWORD)).await;
    assert_eq!(names(&answer.body), ["success", "message", "data"]);
    assert_eq!(answer.body["data"], json!({ "email": EMAIL, "otpRequired": true }));
    assert!(!answer.text.contains(&wire.mailed_code().await) && answer.cookie().is_none());
    assert_eq!(recorded, ["login_challenged done email"]);
}

#[tokio::test]
async fn a_lockout_refuses_right_passwords_and_unknown_names_too() {
    let wire = authbackend_with(&LOCKOUT).await;
    wire.locks_out((403, "AUTHORIZATION_ERROR", "Account locked due to failed attempts")).await;
}

#[tokio::test]
async fn five_calls_for_an_address_in_fifteen_minutes_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |_| wire.login(EMAIL, WRONG_PASSWORD);
    wire.is_limited(&call, 5, 900, "Too many requests. Try again in 15 minutes.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_addresses_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    wire.join(EMAIL).await;
    let call = |_| wire.login(EMAIL, WRONG_PASSWORD);
    wire.has_its_own_limit(Method::POST, PATH, &call, 5).await;
    wire.is_refused(
        &wire.login("USER@EXAMPLE.COM", WRONG_PASSWORD).from("192.0.2.9").send().await,
        900,
        "Too many requests. Try again in 15 minutes.",
    );
    assert_eq!(
        wire.refusal(&wire.login("other@example.com", WRONG_PASSWORD).send().await),
        INVALID
    );
}
