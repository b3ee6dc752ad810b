//! `POST /api/auth/reset-password`: requests a reset link, and sets a password with it.

use std::time::Duration;

use poem::http::Method;
use serde_json::json;

use crate::compat::checks::long;
use crate::compat::{EMAIL, NEW_PASSWORD, PASSWORD, WireApp, WireCall};
use crate::support::token_in;

use super::{DEAD_TOKEN, code, done, jobpsych, jobpsych_with};

const PATH: &str = "/api/auth/reset-password";
const BAD_LINK: (u16, &str) = (400, "VALIDATION_ERROR");

fn ask<'a>(wire: &'a WireApp, email: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "email": email }))
}

fn set<'a>(wire: &'a WireApp, token: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "token": token, "newPassword": NEW_PASSWORD }))
}

/// Creates the account and requests a link; returns its token.
async fn linked(wire: &WireApp) -> String {
    wire.join(EMAIL).await;
    assert_eq!(ask(wire, EMAIL).send().await.status, 200);
    token_in(&wire.app.mails().await, "reset-password?token=")
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
    let bad = [
        ("email", json!(7), "Email must be a string"),
        ("email", json!("john"), "Email must be a valid email address"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "email": EMAIL }), &bad).await;
    let bad = [
        ("token", json!(7), "Token must be a string"),
        ("token", long(513), "Token must be at most 512 characters"),
        ("newPassword", json!(7), "New password must be a string"),
        ("newPassword", json!("1234567"), "Password must be at least 8 characters"),
        ("newPassword", json!("x".repeat(257)), "Password must be at most 256 characters"),
    ];
    wire.refuses_fields(
        &|| wire.post(PATH),
        &json!({ "token": "x", "newPassword": NEW_PASSWORD }),
        &bad,
    )
    .await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let wire = jobpsych().await;
    for (body, field) in [
        (json!({}), "email"),
        (json!({ "email": null }), "email"),
        (json!({ "token": "x" }), "newPassword"),
        (json!({ "newPassword": NEW_PASSWORD }), "token"),
        (json!({ "email": EMAIL, "newPassword": NEW_PASSWORD }), "token"),
    ] {
        let answer = wire.post(PATH).json(&body).send().await;
        assert_eq!(code(&wire, &answer), (400, "VALIDATION_ERROR"), "{body}");
        assert_eq!(
            wire.rows(&answer).iter().map(|row| row.0).collect::<Vec<_>>(),
            [field],
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_request_does_not_reveal_whether_there_is_an_account() {
    let wire = jobpsych().await;
    wire.join(EMAIL).await;
    let (known, recorded) = wire.recorded(ask(&wire, EMAIL)).await;
    assert_eq!(known.body, done("Password reset email sent if account exists"));
    assert_eq!(recorded, ["password_reset_requested done"]);
    assert_eq!(wire.app.mails().await.len(), 1);
    let (unknown, recorded) = wire.recorded(ask(&wire, "nobody@example.com")).await;
    assert_eq!((unknown.status, &unknown.text), (known.status, &known.text));
    assert_eq!(recorded, ["password_reset_requested done"]);
    assert!(wire.app.mails().await.is_empty());
}

#[tokio::test]
async fn a_suspended_account_gets_no_link_and_its_old_one_is_void() {
    let wire = jobpsych().await;
    let token = linked(&wire).await;
    wire.suspend(EMAIL).await;
    assert_eq!(code(&wire, &set(&wire, &token).send().await), BAD_LINK);
    assert_eq!(ask(&wire, EMAIL).send().await.status, 200);
    assert!(wire.app.mails().await.is_empty());
}

#[tokio::test]
async fn a_link_works_once() {
    let wire = jobpsych().await;
    let token = linked(&wire).await;
    assert_eq!(set(&wire, &token).send().await.body, done("Password reset successfully"));
    assert_eq!(code(&wire, &set(&wire, &token).send().await), BAD_LINK);
}

#[tokio::test]
async fn a_link_lives_an_hour() {
    let wire = jobpsych().await;
    let token = linked(&wire).await;
    wire.app.turn_clock(Duration::from_hours(1));
    assert_eq!(code(&wire, &set(&wire, &token).send().await), BAD_LINK);
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 200, "unchanged");
}

#[tokio::test]
async fn a_new_link_voids_the_one_before() {
    let wire = jobpsych().await;
    let first = linked(&wire).await;
    assert_eq!(ask(&wire, EMAIL).send().await.status, 200);
    let second = token_in(&wire.app.mails().await, "reset-password?token=");
    assert_eq!(code(&wire, &set(&wire, &first).send().await), BAD_LINK);
    assert_eq!(set(&wire, &second).send().await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_kind_is_no_link() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    for token in ["nothing", &session.access, &session.refresh[..43]] {
        assert_eq!(code(&wire, &set(&wire, token).send().await).0, 400, "{token}");
    }
}

#[tokio::test]
async fn a_reset_ends_every_session_and_notifies_the_owner() {
    let wire = jobpsych().await;
    let token = linked(&wire).await;
    let session = wire.enter(EMAIL).await;
    let (answer, recorded) = wire.recorded(set(&wire, &token)).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("Password reset successfully")));
    // The link proved the address, and the sign-up began a session too.
    let ended = "session_ended done password";
    assert_eq!(recorded, ["password_reset done", "email_verified done", ended, ended]);
    let profile = wire.get("/api/auth/profile").bearer(&session.access).send().await;
    assert_eq!(wire.refusal(&profile), DEAD_TOKEN);
    assert_eq!(wire.app.mails().await.len(), 1);
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 401);
    assert_eq!(wire.login(EMAIL, NEW_PASSWORD).send().await.status, 200);
}

#[tokio::test]
async fn ten_requests_in_an_hour_are_allowed_and_one_more_every_six_minutes() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| ask(&wire, &format!("user{nth}@example.com"));
    wire.is_limited(&call, 10, 360, "Too many requests. Try again in 6 minutes.").await;
}

#[tokio::test]
async fn thirty_uses_in_an_hour_are_allowed_and_one_more_every_two_minutes() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| set(&wire, &format!("token{nth}"));
    wire.is_limited(&call, 30, 120, "Too many requests. Try again in 2 minutes.").await;
}

#[tokio::test]
async fn requests_leave_uses_and_other_operations_alone() {
    let wire = jobpsych_with(&[]).await;
    let call = |nth| ask(&wire, &format!("user{nth}@example.com"));
    wire.has_its_own_limit(Method::POST, PATH, &call, 10).await;
    assert_eq!(code(&wire, &set(&wire, "nothing").send().await), BAD_LINK);
    assert_eq!(ask(&wire, EMAIL).from("192.0.2.9").send().await.status, 200);
}

#[tokio::test]
async fn uses_leave_requests_alone() {
    let wire = jobpsych_with(&[("limits.reset.count", "1")]).await;
    for status in [400, 429] {
        assert_eq!(set(&wire, "nothing").send().await.status, status);
    }
    assert_eq!(ask(&wire, EMAIL).send().await.status, 200);
}
