//! `POST /api/auth/change-password`: changes the caller's password.

use serde_json::{Value, json};

use crate::compat::{EMAIL, NEW_PASSWORD, PASSWORD};

use super::{authbackend, done, is_alive};

const PATH: &str = "/api/auth/change-password";
const WRONG: (u16, &str, &str) = (401, "AUTHENTICATION_ERROR", "Current password is incorrect");

fn change(current: &str, new: &str) -> Value {
    json!({ "currentPassword": current, "newPassword": new })
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.post(PATH).json(&change(PASSWORD, NEW_PASSWORD))).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let bad = [
        ("currentPassword", Value::Null, "Current password is required"),
        ("currentPassword", json!(7), "Current password must be a string"),
        (
            "currentPassword",
            json!("x".repeat(257)),
            "Current password must be at most 256 characters",
        ),
        ("newPassword", Value::Null, "New password is required"),
        ("newPassword", json!(7), "New password must be a string"),
        ("newPassword", json!("1234567"), "Password must be at least 8 characters"),
        ("newPassword", json!("x".repeat(257)), "Password must be at most 256 characters"),
    ];
    let call = || wire.post(PATH).bearer(&session.access);
    wire.refuses_fields(&call, &change(PASSWORD, NEW_PASSWORD), &bad).await;
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 200, "unchanged");
}

#[tokio::test]
async fn a_wrong_current_password_is_the_document_s_401_and_is_recorded() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let call = wire.post(PATH).bearer(&session.access).json(&change("WrongPass123!", NEW_PASSWORD));
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!(wire.refusal(&answer), WRONG);
    assert!(answer.header("www-authenticate").is_empty(), "the token is good");
    assert_eq!(recorded, ["password_changed refused wrong_password"]);
    assert!(is_alive(&wire, &session.access).await);
}

#[tokio::test]
async fn the_other_sessions_end_and_the_owner_is_notified() {
    let wire = authbackend().await;
    let (other, session) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let call = wire.post(PATH).bearer(&session.access).json(&change(PASSWORD, NEW_PASSWORD));
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
    let session = wire.join_and_enter(EMAIL).await;
    let call =
        |_| wire.post(PATH).bearer(&session.access).json(&change("WrongPass123!", NEW_PASSWORD));
    for _ in 0..10 {
        assert_eq!(wire.refusal(&call(0).send().await), WRONG);
    }
    wire.is_refused(&call(0).send().await, 60, "Too many requests. Try again in 1 minute.");
}
