//! `POST /users/me/passkeys`: a new key.

use serde_json::json;

use crate::authenticator::Device;
use crate::passkeys::creation_options;
use crate::support::app;
use crate::v1::fixture::{MINUTE, Operation, Trail, keys, person, unlimited};

const ADD: Operation = Operation("POST", "/users/me/passkeys");

#[tokio::test]
async fn it_is_recorded_and_the_owner_gets_a_letter() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let options = creation_options(&app, &ada, "passkey").await;
    let credential = Device::new().create(&options).unwrap();
    let mut trail = Trail::begin(&app).await;
    let body = json!({ "credential": credential, "name": " My phone " });
    let added = ADD.on(&app).json(&body).bearer(&ada).ok(201).await;
    assert_eq!(added.body["message"], "Passkey added successfully");
    assert_eq!(keys(&added.body["data"]), "passkey backupCodes");
    assert_eq!(added.body["data"]["passkey"]["name"], "My phone");
    let left = trail.left_by(Some(&ada.id), Some(&ada.id)).await;
    assert!(left.len() == 1 && left[0].starts_with("passkey_added done passkey"), "{left:?}");
    let mails = app.mails().await;
    assert_eq!(mails[0].subject, "The sign-in at authd has changed");
    let refused = ADD.on(&app).json(&body).bearer(&ada);
    refused.refused(400, "PASSKEY_REJECTED").await;
    assert!(app.mails().await.is_empty());
}

#[tokio::test]
async fn it_needs_fresh_authentication() {
    let app = unlimited(&[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    let options = creation_options(&app, &ada, "passkey").await;
    let body = json!({ "credential": Device::new().create(&options).unwrap() });
    app.turn_clock(16 * MINUTE);
    let call = ADD.on(&app).json(&body).bearer(&ada);
    call.refused(403, "REAUTHENTICATION_REQUIRED").await;
}
