//! `POST /api/auth/login`: logs in with address and password.

use crate::compat::checks::{LOCKOUT, WRONG_PASSWORD};
use crate::compat::{EMAIL, PASSWORD, names, text};

use super::{siteworks, siteworks_with};

const INVALID: (u16, &str, &str) = (401, "INVALID_CREDENTIALS", "Invalid email or password");

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = siteworks().await;
    wire.refuses_bad_credentials().await;
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_wrong_password() {
    let wire = siteworks().await;
    wire.hides_who_has_an_account(INVALID).await;
}

#[tokio::test]
async fn the_response_has_the_account_and_its_tokens_and_nothing_else() {
    let wire = siteworks().await;
    wire.join("User@Example.com").await;
    let (answer, recorded) = wire.recorded(wire.login(EMAIL, PASSWORD)).await;
    assert_eq!(names(&answer.body), ["success", "message", "user", "tokens"]);
    let user = ["id", "email", "name", "isVerified", "isActive", "lastLoginAt"];
    assert_eq!(names(&answer.body["user"]), user);
    assert_eq!(text(&answer, "/user/email"), "User@Example.com", "as typed at the sign-up");
    assert_eq!(names(&answer.body["tokens"]), ["accessToken", "refreshToken", "expiresAt"]);
    assert!(answer.cookie().is_none());
    assert_eq!(recorded, ["login done"]);
}

#[tokio::test]
async fn a_deactivated_account_is_revealed_to_the_right_password_alone() {
    let wire = siteworks().await;
    wire.reveals_a_suspension_to_its_owner((403, "ACCOUNT_DEACTIVATED", "Account is deactivated"))
        .await;
}

#[tokio::test]
async fn a_deleted_account_without_a_verified_address_is_unknown() {
    let wire = siteworks().await;
    wire.join(EMAIL).await;
    wire.remove(EMAIL).await;
    assert_eq!(wire.refusal(&wire.login(EMAIL, PASSWORD).send().await), INVALID);
    assert_eq!(wire.sign_up(EMAIL).send().await.status, 201, "the address is free again");
}

#[tokio::test]
async fn an_account_with_a_second_factor_cannot_log_in_here() {
    let wire = siteworks().await;
    wire.has_no_step_for_a_second_factor("MFA_REQUIRED").await;
}

#[tokio::test]
async fn a_lockout_refuses_right_passwords_and_unknown_names_too() {
    let wire = siteworks_with(&LOCKOUT).await;
    wire.locks_out((423, "ACCOUNT_LOCKED", "Account locked due to failed attempts")).await;
}

#[tokio::test]
async fn ten_wrong_passwords_make_their_client_wait_and_no_other() {
    let wire = siteworks().await;
    wire.slows_guessing_down().await;
}

#[tokio::test]
async fn ten_calls_in_fifteen_minutes_are_allowed() {
    let wire = siteworks_with(&[]).await;
    let call = |nth| wire.login(&format!("user{nth}@example.com"), WRONG_PASSWORD);
    wire.is_limited(&call, 10, 900, "Too many requests. Try again in 15 minutes.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = siteworks_with(&[]).await;
    wire.limits_logins_of_a_client_alone(10).await;
}
