//! `POST /auth/mfa/setup`: a second factor that guards nothing until a code confirms it.

use serde_json::{Value, json};

use crate::factors::{code_in, verify};
use crate::support::{Answer, App, PASSWORD, app, app_with};
use crate::v1::fixture::{HOUR, Operation, Trail, assert_rules, keys, letters, person, unlimited};

const SET_UP: Operation = Operation("POST", "/auth/mfa/setup");

async fn set_up(app: &App, access: &str, kind: &str) -> Answer {
    SET_UP.on(app).json(&json!({ "type": kind })).bearer(access).send().await
}

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = async |body: &Value| SET_UP.on(&app).json(body).bearer(&ada).send().await;
    let rules = [
        ("type", json!(null), "REQUIRED_FIELD_MISSING"),
        ("type", json!(7), "VALIDATION_ERROR"),
        ("type", json!("push"), "VALIDATION_ERROR"),
        ("deviceName", json!(7), "VALIDATION_ERROR"),
        ("deviceName", letters(101), "FIELD_TOO_LONG"),
        ("deviceName", json!("a\nb"), "VALIDATION_ERROR"),
    ];
    assert_rules(call, &json!({ "type": "totp", "deviceName": "Phone" }), &rules).await;
}

#[tokio::test]
async fn text_messages_need_a_gateway() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let refused = set_up(&app, &ada.access, "sms").await.refused(400, "VALIDATION_ERROR");
    assert_eq!(refused.body["error"]["details"][0]["field"], "type");
}

#[tokio::test]
async fn each_kind_shows_its_secrets_and_leaves_no_record_until_it_is_confirmed() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let totp = set_up(&app, &ada.access, "totp").await.ok(200);
    let fields = "deviceId type secret otpauthUri qrCode backupCodes";
    assert_eq!(keys(&totp.body["data"]), fields);
    assert_eq!(app.mails().await.len(), 0);
    let email = set_up(&app, &ada.access, "email").await.ok(200);
    assert_eq!(keys(&email.body["data"]), "deviceId type backupCodes");
    assert!(!email.text.contains(&code_in(&app.mails().await)), "{}", email.text);
    assert_eq!(trail.left().await, [""; 0]);
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    set_up(&app, &ada.access, "totp").await.refused(403, "REAUTHENTICATION_REQUIRED");
    app.post("/v1/auth/reauthenticate", &json!({ "password": PASSWORD }))
        .bearer(&ada)
        .ok(200)
        .await;
    set_up(&app, &ada.access, "totp").await.ok(200);
}

#[tokio::test]
async fn it_requires_a_verified_address() {
    let app = app_with(
        "standard",
        &[("signup.verify_email", "false"), ("signup.reveal_existing", "true")],
    )
    .await;
    app.register("ada").await.ok(201);
    let access = app.login("ada", PASSWORD).await.tokens().access;
    set_up(&app, &access, "email").await.refused(403, "INSUFFICIENT_PERMISSIONS");
    assert!(app.mails().await.iter().all(|mail| !mail.subject.starts_with("Your code")));
}

#[tokio::test]
async fn codes_by_email_can_be_set_up_once() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    set_up(&app, &ada.access, "email").await.ok(200);
    verify(&app, &ada.access, &code_in(&app.mails().await)).await.ok(200);
    set_up(&app, &ada.access, "email").await.refused(409, "ALREADY_EXISTS");
}

#[tokio::test]
async fn five_codes_in_ten_minutes_are_mailed_to_an_account() {
    let app = unlimited(&[]).await;
    let ada = person(&app, "ada", &[]).await;
    for _ in 0..5 {
        set_up(&app, &ada.access, "email").await.ok(200);
    }
    let over = set_up(&app, &ada.access, "email").await.refused(429, "AUTH_RATE_LIMIT_EXCEEDED");
    assert_eq!(over.header("retry-after"), "600");
    assert_eq!(app.mails().await.len(), 5);
    set_up(&app, &ada.access, "totp").await.ok(200);
}
