//! `POST /auth/login`: exchanges address and password for an access token.

use crate::compat::checks::{LOCKOUT, WRONG_PASSWORD};
use crate::compat::{EMAIL, PASSWORD, names};

use super::{jobpath, jobpath_with};

const PATH: &str = "/auth/login";
const INVALID: (u16, &str, &str) = (401, "invalid_credentials", "Invalid email or password");

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpath().await;
    wire.refuses_bad_credentials().await;
}

#[tokio::test]
async fn a_form_is_no_json() {
    let wire = jobpath().await;
    wire.join(EMAIL).await;
    let form = format!("username={EMAIL}&password={PASSWORD}");
    let answer = wire.post(PATH).body("application/x-www-form-urlencoded", form).send().await;
    let message = "Unsupported content type, expected application/json";
    assert_eq!(wire.refusal(&answer), (415, "unsupported_media_type", message));
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_wrong_password() {
    let wire = jobpath().await;
    wire.hides_who_has_an_account(INVALID).await;
}

#[tokio::test]
async fn the_response_has_one_token_and_no_refresh_token() {
    let wire = jobpath().await;
    wire.join(EMAIL).await;
    let (answer, recorded) = wire.recorded(wire.login("USER@example.com", PASSWORD)).await;
    assert_eq!(names(&answer.body), ["access_token", "token_type", "user"]);
    assert_eq!(names(&answer.body["user"]), ["id", "email", "is_active"]);
    assert!(answer.cookie().is_none());
    assert_eq!(recorded, ["login done"]);
}

#[tokio::test]
async fn an_inactive_account_is_revealed_to_the_right_password_alone() {
    let wire = jobpath().await;
    wire.reveals_a_suspension_to_its_owner((403, "inactive_user", "User account is inactive"))
        .await;
}

#[tokio::test]
async fn an_account_with_a_second_factor_cannot_log_in_here() {
    let wire = jobpath().await;
    wire.has_no_step_for_a_second_factor("mfa_required").await;
}

#[tokio::test]
async fn an_unverified_account_gets_another_letter_where_verification_is_required() {
    let wire = jobpath_with(&[("signup.verify_email", "true")]).await;
    wire.join(EMAIL).await;
    let (answer, recorded) = wire.recorded(wire.login(EMAIL, PASSWORD)).await;
    assert_eq!(wire.refusal(&answer), (403, "email_not_verified", "Email verification required"));
    assert_eq!(recorded, ["login refused unverified"]);
    let letters = wire.app.mails().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].text.contains("verify-email?token="), "{}", letters[0].text);
    assert_eq!(wire.refusal(&wire.login(EMAIL, WRONG_PASSWORD).send().await), INVALID);
    assert!(wire.app.mails().await.is_empty());
}

#[tokio::test]
async fn a_lockout_refuses_right_passwords_and_unknown_names_too() {
    let wire = jobpath_with(&LOCKOUT).await;
    wire.locks_out((423, "account_locked", "Account locked due to failed attempts")).await;
}

#[tokio::test]
async fn ten_wrong_passwords_make_their_client_wait_and_no_other() {
    let wire = jobpath().await;
    wire.slows_guessing_down().await;
}

#[tokio::test]
async fn thirty_calls_in_a_minute_are_allowed_and_one_more_every_two_seconds() {
    let wire = jobpath_with(&[]).await;
    let call = |nth| wire.login(&format!("user{nth}@example.com"), WRONG_PASSWORD);
    wire.is_limited(&call, 30, 2, "Too many requests. Try again in 1 minute.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = jobpath_with(&[]).await;
    wire.limits_logins_of_a_client_alone(30).await;
}
