//! `POST /users/me/email`: another address, once a link to it is followed.

use serde_json::{Value, json};

use crate::support::{Answer, App, app, app_with};
use crate::v1::fixture::{HOUR, Operation, Person, Trail, assert_rules, person};

const CHANGE: Operation = Operation("POST", "/users/me/email");

async fn change(app: &App, person: &Person, address: &str) -> Answer {
    CHANGE.on(app).json(&json!({ "newEmail": address })).bearer(person).send().await
}

#[tokio::test]
async fn the_field_has_its_rule() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| CHANGE.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("newEmail", json!(null), "REQUIRED_FIELD_MISSING"),
        ("newEmail", json!(7), "VALIDATION_ERROR"),
        ("newEmail", json!("countess"), "INVALID_EMAIL_FORMAT"),
        ("newEmail", json!(format!("{}@example.com", "a".repeat(250))), "FIELD_TOO_LONG"),
        ("newEmail", json!("ADA@example.com"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    assert_eq!((trail.left().await, app.mails().await.len()), (vec![], 0));
}

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    change(&app, &ada, "countess@example.org").await.refused(403, "REAUTHENTICATION_REQUIRED");
    assert_eq!(app.mails().await.len(), 0);
}

#[tokio::test]
async fn a_taken_address_gets_the_same_response_and_record_as_a_free_one() {
    let app = app().await;
    app.join("bob").await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    for address in ["free@example.org", "bob@example.com"] {
        let answer = change(&app, &ada, address).await.ok(200);
        let message = "Confirmation email sent to the new address if it can be used";
        assert_eq!(answer.body, json!({ "success": true, "message": message }), "{address}");
        assert_eq!(
            trail.left_by(Some(&ada.id), Some(&ada.id)).await,
            ["email_change_requested done"],
            "{address}"
        );
    }
}

#[tokio::test]
async fn nothing_changes_before_the_link_is_followed() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    change(&app, &ada, "countess@example.org").await.ok(200);
    app.mails().await;
    let me = app.get("/v1/users/me").bearer(&ada).ok(200).await;
    assert_eq!(me.body["data"]["email"], "ada@example.com");
}
