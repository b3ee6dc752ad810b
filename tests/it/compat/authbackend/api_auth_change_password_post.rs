//! `POST /api/auth/change-password`: changes the caller's password.

use futures_util::future::join_all;

use crate::compat::checks::long;
use crate::compat::{EMAIL, NEW_PASSWORD, PASSWORD, WireApp};

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

/// The limit counts only wrong passwords. It holds before a password is checked, also for calls at
/// the same time: those above it cost nothing, and a right one is not counted at all.
#[tokio::test]
async fn calls_at_once_check_no_more_passwords_than_the_limit_allows() {
    // The document's limit is three calls. The other guards are off: they would stop guesses too.
    let keys = [("limits.general", "off"), ("throttle.enabled", "false")];
    let wire = WireApp::with("authbackend", &keys).await;
    let session = wire.join_and_enter(EMAIL).await;
    for (old, new) in [(PASSWORD, NEW_PASSWORD), (NEW_PASSWORD, PASSWORD)].repeat(2) {
        let changed = wire.change_password(&session.access, old, new).send().await;
        assert_eq!((changed.status.as_u16(), changed.header("x-ratelimit-remaining")), (200, "3"));
    }
    let before = wire.app.audit().await.len();
    let wrong = || wire.change_password(&session.access, "Wr0ng!password", NEW_PASSWORD).send();
    let answers = join_all((0..12).map(|_| wrong())).await;
    let count = |status: u16| answers.iter().filter(|one| one.status == status).count();
    assert_eq!((count(401), count(429)), (3, 9));
    let checked = wire.app.audit().await.split_off(before);
    let checked = checked.iter().filter(|line| line.contains("wrong_password")).count();
    assert_eq!(checked, 3, "passwords that were checked");
}
