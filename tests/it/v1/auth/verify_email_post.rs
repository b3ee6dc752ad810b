//! `POST /auth/verify-email`: proof of an address by the token of its link.

use serde_json::json;

use crate::support::{Answer, App, app, token_in};
use crate::v1::fixture::{DAY, Operation, Trail, delete, person, suspend};
use crate::v1::links::{assert_link_limit, assert_takes_a_link};

const VERIFY: Operation = Operation("POST", "/auth/verify-email");

async fn verify(app: &App, token: &str) -> Answer {
    VERIFY.on(app).json(&json!({ "token": token })).send().await
}

/// Signs up; returns the account's id and the token of its link.
async fn signed_up(app: &App, name: &str) -> (String, String) {
    let made = app.register(name).await.ok(201);
    (
        made.body["data"]["userId"].as_str().unwrap().to_owned(),
        token_in(&app.mails().await, "verify-email?token="),
    )
}

#[tokio::test]
async fn the_token_has_its_rule() {
    assert_takes_a_link(VERIFY).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    assert_link_limit(VERIFY, "/auth/verify-email/disown").await;
}

#[tokio::test]
async fn it_is_recorded_once_and_starts_no_session() {
    let app = app().await;
    let (id, token) = signed_up(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let done = verify(&app, &token).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "Email verified successfully" }));
    assert!(done.cookie().is_none());
    assert_eq!(trail.left_by(Some(&id), Some(&id)).await, ["email_verified done"]);
    let again = verify(&app, &token).await.ok(200);
    assert_eq!(again.body, json!({ "success": true, "message": "Email is already verified" }));
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_link_of_another_kind_proves_nothing() {
    let app = app().await;
    app.register("ada").await.ok(201);
    app.mails().await;
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).ok(200).await;
    let reset = token_in(&app.mails().await, "reset-password?token=");
    for token in [reset.as_str(), "unknown", &"a".repeat(512)] {
        verify(&app, token).await.refused(404, "INVALID_TOKEN");
    }
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_with_its_account() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (name, status, code) in [
        ("suspended", 404, "INVALID_TOKEN"),
        ("deleted", 404, "INVALID_TOKEN"),
        ("late", 410, "TOKEN_EXPIRED"),
    ] {
        let (id, token) = signed_up(&app, name).await;
        match name {
            "suspended" => suspend(&app, &root, &id).await,
            "deleted" => delete(&app, &root, &id).await,
            _ => app.turn_clock(DAY),
        }
        verify(&app, &token).await.refused(status, code);
    }
}
