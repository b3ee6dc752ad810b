//! `POST /auth/verify-email/disown`: the removal of an account that another person created with the
//! caller's address.

use serde_json::json;

use crate::support::{Answer, App, PASSWORD, app, token_in};
use crate::v1::fixture::{DAY, Operation, Trail};
use crate::v1::links::{assert_link_limit, assert_takes_a_link};

const DISOWN: Operation = Operation("POST", "/auth/verify-email/disown");

async fn disown(app: &App, token: &str) -> Answer {
    DISOWN.on(app).json(&json!({ "token": token })).send().await
}

async fn link(app: &App) -> String {
    token_in(&app.mails().await, "verify-email?token=")
}

#[tokio::test]
async fn the_token_has_its_rule() {
    assert_takes_a_link(DISOWN).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    assert_link_limit(DISOWN, "/auth/verify-email").await;
}

#[tokio::test]
async fn the_account_is_removed_and_its_names_are_free() {
    let app = app().await;
    let made = app.register("ada").await.ok(201);
    let token = link(&app).await;
    let mut trail = Trail::begin(&app).await;
    let done = disown(&app, &token).await.ok(200);
    assert_eq!(done.body, json!({ "success": true, "message": "Account removed" }));
    let id = made.body["data"]["userId"].as_str();
    assert_eq!(trail.left_by(None, id).await, ["sign_up_disowned done", "deleted done disowned"]);
    disown(&app, &token).await.refused(404, "INVALID_TOKEN");
    app.join("ada").await;
}

#[tokio::test]
async fn a_verified_account_is_not_removed() {
    let app = app().await;
    app.register("ada").await.ok(201);
    let token = link(&app).await;
    app.post("/v1/auth/verify-email", &json!({ "token": token })).ok(200).await;
    disown(&app, &token).await.refused(404, "INVALID_TOKEN");
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    let app = app().await;
    app.register("ada").await.ok(201);
    let token = link(&app).await;
    app.turn_clock(DAY);
    disown(&app, &token).await.refused(410, "TOKEN_EXPIRED");
}
