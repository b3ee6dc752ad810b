//! `POST /api/auth/login`: logs in with address and password.

use crate::compat::checks::{LOCKOUT, WRONG_PASSWORD};
use crate::compat::{EMAIL, PASSWORD, names};

use super::{jobpsych, jobpsych_with};

const INVALID: (u16, &str, &str) = (401, "INVALID_CREDENTIALS", "Invalid email or password");

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
    wire.refuses_bad_credentials().await;
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_wrong_password() {
    let wire = jobpsych().await;
    wire.hides_who_has_an_account(INVALID).await;
}

#[tokio::test]
async fn the_refresh_token_is_in_the_cookie_alone() {
    let wire = jobpsych().await;
    wire.join(EMAIL).await;
    let (answer, recorded) = wire.recorded(wire.login(EMAIL, PASSWORD)).await;
    assert_eq!(names(&answer.body), ["success", "message", "accessToken", "user"]);
    assert!(!answer.text.contains(&answer.cookie().unwrap()));
    let attributes: Vec<&str> = answer.header("set-cookie").split("; ").skip(1).collect();
    for attribute in ["HttpOnly", "SameSite=Strict", "Max-Age=604800", "Path=/api/auth"] {
        assert!(attributes.contains(&attribute), "{attribute} in {attributes:?}");
    }
    assert_eq!(recorded, ["login done"]);
}

#[tokio::test]
async fn a_suspended_account_is_revealed_to_the_right_password_alone() {
    let wire = jobpsych().await;
    wire.reveals_a_suspension_to_its_owner((403, "FORBIDDEN", "Account suspended by admin")).await;
}

#[tokio::test]
async fn an_account_with_a_second_factor_cannot_log_in_here() {
    let wire = jobpsych().await;
    wire.has_no_step_for_a_second_factor("MFA_REQUIRED").await;
}

#[tokio::test]
async fn a_lockout_refuses_right_passwords_and_unknown_names_too() {
    let wire = jobpsych_with(&LOCKOUT).await;
    wire.locks_out((423, "ACCOUNT_LOCKED", "Account locked due to failed attempts")).await;
}

#[tokio::test]
async fn ten_wrong_passwords_make_their_client_wait_and_no_other() {
    let wire = jobpsych().await;
    wire.slows_guessing_down().await;
}

#[tokio::test]
async fn thirty_calls_in_a_minute_are_allowed_and_one_more_every_two_seconds() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| wire.login(&format!("user{nth}@example.com"), WRONG_PASSWORD);
    wire.is_limited(&call, 30, 2, "Too many requests. Try again in 1 minute.").await;
}

#[tokio::test]
async fn its_limit_leaves_other_clients_and_other_operations_alone() {
    let wire = jobpsych_with(&[]).await;
    wire.limits_logins_of_a_client_alone(30).await;
}
