//! `POST /api/auth/change-password`: changes the caller's password.

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, NEW_PASSWORD, PASSWORD};

use super::{done, jobpsych, jobpsych_with};

const PATH: &str = "/api/auth/change-password";
const WRONG: (u16, &str, &str) = (400, "INVALID_CREDENTIALS", "Current password is incorrect");

fn change(current: &str, new: &str) -> Value {
    json!({ "currentPassword": current, "newPassword": new })
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = jobpsych().await;
    wire.needs_a_session(&|| wire.post(PATH).json(&change(PASSWORD, NEW_PASSWORD))).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
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
async fn a_wrong_current_password_is_no_401_and_is_recorded() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let call = wire.post(PATH).bearer(&session.access).json(&change("WrongPass123!", NEW_PASSWORD));
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!(wire.refusal(&answer), WRONG);
    assert_eq!(recorded, ["password_changed refused wrong_password"]);
}

#[tokio::test]
async fn the_other_sessions_end_with_their_cookies() {
    let wire = jobpsych().await;
    let (other, session) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let call = wire.post(PATH).bearer(&session.access).json(&change(PASSWORD, NEW_PASSWORD));
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
    let session = wire.join_and_enter(EMAIL).await;
    let call =
        |_| wire.post(PATH).bearer(&session.access).json(&change("WrongPass123!", NEW_PASSWORD));
    for _ in 0..10 {
        assert_eq!(wire.refusal(&call(0).send().await), WRONG);
    }
    wire.is_refused(&call(0).send().await, 60, "Too many requests. Try again in 1 minute.");
}

#[tokio::test]
async fn its_limit_leaves_other_operations_alone() {
    let keys = [
        ("limits.factor.count", "2"),
        ("limits.factor.window", "15m"),
        ("limits.factor.shape", "window"),
    ];
    let wire = jobpsych_with(&keys).await;
    let session = wire.join_and_enter(EMAIL).await;
    let call =
        |_| wire.post(PATH).bearer(&session.access).json(&change("WrongPass123!", NEW_PASSWORD));
    wire.has_its_own_limit(Method::POST, PATH, &call, 2).await;
    wire.is_refused(
        &call(0).send().await,
        900,
        "Too many verification attempts. Try again in 15 minutes.",
    );
}
