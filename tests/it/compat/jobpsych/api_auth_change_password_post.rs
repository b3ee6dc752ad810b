//! `POST /api/auth/change-password`: changes the caller's password.

use crate::compat::checks::long;
use crate::compat::password_change::TWO_CHANGES;
use crate::compat::{EMAIL, NEW_PASSWORD, PASSWORD};

use super::{done, jobpsych, jobpsych_with};

const WRONG: (u16, &str, &str) = (400, "INVALID_CREDENTIALS", "Current password is incorrect");

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session_to_change_a_password().await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
    let long = ("newPassword", long(257), "Password must be at most 256 characters");
    wire.refuses_bad_passwords(&[long]).await;
}

#[tokio::test]
async fn a_wrong_current_password_is_no_401_and_is_recorded() {
    let wire = jobpsych().await;
    wire.refuses_a_wrong_current_password(WRONG).await;
}

#[tokio::test]
async fn the_other_sessions_end_with_their_cookies() {
    let wire = jobpsych().await;
    let (other, session) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let call = wire.change_password(&session.access, PASSWORD, NEW_PASSWORD);
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("Password changed successfully")));
    // The session of the sign-up ends too.
    let ended = "session_ended done password";
    assert_eq!(recorded, ["password_changed done", ended, ended]);
    let refresh = async |token: &str| {
        wire.post("/api/auth/refresh").cookie(token).send().await.status.as_u16()
    };
    assert_eq!((refresh(&other.refresh).await, refresh(&session.refresh).await), (401, 200));
}

#[tokio::test]
async fn ten_wrong_passwords_make_their_client_wait() {
    let wire = jobpsych().await;
    wire.slows_guessing_of_the_current_password_down(WRONG).await;
}

#[tokio::test]
async fn its_limit_leaves_other_operations_alone() {
    let wire = jobpsych_with(&TWO_CHANGES).await;
    wire.limits_changes_of_the_password_alone().await;
}
