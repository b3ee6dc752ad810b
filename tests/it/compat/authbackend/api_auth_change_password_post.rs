//! `POST /api/auth/change-password`: changes the caller's password.

use crate::compat::checks::long;
use crate::compat::{EMAIL, NEW_PASSWORD, PASSWORD};

use super::{authbackend, done, is_alive};

const WRONG: (u16, &str, &str) = (401, "AUTHENTICATION_ERROR", "Current password is incorrect");

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session_to_change_a_password().await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let long = ("newPassword", long(257), "Password must be at most 256 characters");
    wire.refuses_bad_passwords(&[long]).await;
}

#[tokio::test]
async fn a_wrong_current_password_is_the_document_s_401_and_is_recorded() {
    let wire = authbackend().await;
    wire.refuses_a_wrong_current_password(WRONG).await;
}

#[tokio::test]
async fn the_other_sessions_end_and_the_owner_is_notified() {
    let wire = authbackend().await;
    let (other, session) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let call = wire.change_password(&session.access, PASSWORD, NEW_PASSWORD);
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("Password changed successfully")));
    assert_eq!(recorded, ["password_changed done", "session_ended done password"]);
    assert_eq!(
        (is_alive(&wire, &other.access).await, is_alive(&wire, &session.access).await),
        (false, true)
    );
    assert_eq!(wire.app.mails().await.len(), 1);
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 401);
    assert_eq!(wire.login(EMAIL, NEW_PASSWORD).send().await.status, 200);
}

#[tokio::test]
async fn ten_wrong_passwords_make_their_client_wait() {
    let wire = authbackend().await;
    wire.slows_guessing_of_the_current_password_down(WRONG).await;
}
