//! `POST /auth/undo-email`: the address before takes the account back.

use serde_json::json;

use crate::support::{Answer, App, app, token_in};
use crate::v1::fixture::{DAY, Operation, Person, Trail, delete, person, token_error};
use crate::v1::links::{assert_link_limit, assert_takes_a_link};

const UNDO: Operation = Operation("POST", "/auth/undo-email");

async fn undo(app: &App, token: &str) -> Answer {
    UNDO.on(app).json(&json!({ "token": token })).send().await
}

/// Requests a change of address; returns the tokens that confirm and undo it.
async fn links(app: &App, person: &Person, address: &str) -> (String, String) {
    app.post("/v1/users/me/email", &json!({ "newEmail": address })).bearer(person).ok(200).await;
    let mails = app.mails().await;
    (token_in(&mails, "/v1/confirm-email?token="), token_in(&mails, "/v1/undo-email?token="))
}

#[tokio::test]
async fn the_token_has_its_rule() {
    assert_takes_a_link(UNDO).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    assert_link_limit(UNDO, "/auth/confirm-email").await;
}

#[tokio::test]
async fn it_ends_all_sessions_mails_a_reset_link_and_is_recorded() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let (confirm, token) = links(&app, &ada, "thief@example.org").await;
    app.post("/v1/auth/confirm-email", &json!({ "token": confirm })).ok(200).await;
    app.mails().await;
    let mut trail = Trail::begin(&app).await;
    let done = undo(&app, &token).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "Change of email address undone" }));
    let records = trail.left().await;
    let expected = [
        "email_change_undone done",
        "session_ended done email_undone",
        "password_reset_requested done",
    ];
    assert_eq!(records, expected);
    assert_eq!(token_error(&app, &ada).await, "TOKEN_REVOKED");
    let mails = app.mails().await;
    assert!(mails.iter().all(|mail| mail.to == "ada@example.com"), "{mails:?}");
    token_in(&mails, "/v1/reset-password?token=");
    undo(&app, &token).await.refused(404, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_link_of_another_kind_undoes_nothing() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let (confirm, _) = links(&app, &ada, "countess@example.org").await;
    for token in [confirm.as_str(), "unknown"] {
        undo(&app, token).await.refused(404, "INVALID_TOKEN");
    }
    assert_eq!(token_error(&app, &ada).await, "");
}

#[tokio::test]
async fn a_link_ends_after_seven_days_and_with_its_account() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    let (_, of_deleted) = links(&app, &ada, "ada@example.org").await;
    delete(&app, &root, &ada.id).await;
    undo(&app, &of_deleted).await.refused(404, "INVALID_TOKEN");
    let bob = person(&app, "bob", &[]).await;
    let (_, late) = links(&app, &bob, "bob@example.org").await;
    app.turn_clock(7 * DAY);
    undo(&app, &late).await.refused(410, "TOKEN_EXPIRED");
}
