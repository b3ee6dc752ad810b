//! `POST /auth/confirm-email`: the account takes the address that the link was mailed to.

use serde_json::json;

use crate::support::{Answer, App, PASSWORD, app, token_in};
use crate::v1::fixture::{DAY, Operation, Person, Trail, delete, person, suspend, token_error};
use crate::v1::links::{assert_link_limit, assert_takes_a_link};

const CONFIRM: Operation = Operation("POST", "/auth/confirm-email");

async fn confirm(app: &App, token: &str) -> Answer {
    CONFIRM.on(app).json(&json!({ "token": token })).send().await
}

/// Requests a change of address; returns the token of the link.
async fn link(app: &App, person: &Person, address: &str) -> String {
    app.post("/v1/users/me/email", &json!({ "newEmail": address })).bearer(person).ok(200).await;
    token_in(&app.mails().await, "/v1/confirm-email?token=")
}

#[tokio::test]
async fn the_token_has_its_rule() {
    assert_takes_a_link(CONFIRM).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    assert_link_limit(CONFIRM, "/auth/undo-email").await;
}

#[tokio::test]
async fn the_address_changes_once_the_session_goes_on_and_it_is_recorded() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let token = link(&app, &ada, "countess@example.org").await;
    let mut trail = Trail::begin(&app).await;
    let done = confirm(&app, &token).await.ok(200);
    assert_eq!(
        done.body,
        json!({ "success": true, "message": "Email address changed successfully" })
    );
    assert!(done.cookie().is_none());
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["email_changed done"]);
    assert_eq!(token_error(&app, &ada).await, "");
    confirm(&app, &token).await.refused(404, "INVALID_TOKEN");
    app.login("ada", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn a_link_of_another_kind_changes_nothing() {
    let app = app().await;
    app.join("ada").await;
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).ok(200).await;
    let reset = token_in(&app.mails().await, "reset-password?token=");
    for token in [reset.as_str(), "unknown"] {
        confirm(&app, token).await.refused(404, "INVALID_TOKEN");
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
        let ada = person(&app, name, &[]).await;
        let token = link(&app, &ada, &format!("{name}@example.org")).await;
        match name {
            "suspended" => suspend(&app, &root, &ada.id).await,
            "deleted" => delete(&app, &root, &ada.id).await,
            _ => app.turn_clock(DAY),
        }
        confirm(&app, &token).await.refused(status, code);
    }
}
