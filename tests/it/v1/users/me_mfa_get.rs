//! `GET /users/me/mfa`: the caller's second factors.

use serde_json::json;

use crate::factors::set_up;
use crate::support::app;
use crate::v1::fixture::{Operation, Trail, keys, mfa_token, person, person_with_authenticator};

const LIST: Operation = Operation("GET", "/users/me/mfa");

#[tokio::test]
async fn a_factor_that_is_not_confirmed_guards_nothing() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let list = async || LIST.on(&app).bearer(&ada).ok(200).await.body["data"].clone();
    assert_eq!(list().await, json!({ "enabled": false, "devices": [], "backupCodesLeft": 0 }));
    set_up(&app, &ada.access).await;
    let begun = list().await;
    assert_eq!((&begun["enabled"], &begun["backupCodesLeft"]), (&json!(false), &json!(0)));
    assert_eq!(begun["devices"][0]["confirmed"], false);
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_secret() {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let list = LIST.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(keys(&list.body["data"]), "enabled devices backupCodesLeft");
    let device = &list.body["data"]["devices"][0];
    assert_eq!(keys(device), "id type deviceName phone confirmed createdAt lastUsed");
    assert!(
        !list.text.contains(&phone.backup_codes[0]) && !list.text.contains("otpauth"),
        "{}",
        list.text
    );
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_used_backup_code_is_no_longer_counted() {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let token = mfa_token(&app, "ada").await;
    let body = json!({ "code": phone.backup_codes[9] });
    app.post("/v1/auth/mfa/verify", &body).bearer(&token).ok(200).await;
    let list = LIST.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(list.body["data"]["backupCodesLeft"], 9);
}
