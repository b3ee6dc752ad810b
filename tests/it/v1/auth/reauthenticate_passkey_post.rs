//! `POST /auth/reauthenticate/passkey`: a key renews the proof of identity.

use serde_json::json;

use crate::authenticator::Device;
use crate::passkeys::{add, options, with_passkey};
use crate::support::app;
use crate::v1::fixture::{Operation, Trail};

const RENEW: Operation = Operation("POST", "/auth/reauthenticate/passkey");
const OPTIONS: Operation = Operation("POST", "/auth/reauthenticate/passkey/options");

#[tokio::test]
async fn it_is_recorded_and_the_session_keeps_how() {
    let app = app().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    let asked = OPTIONS.on(&app).bearer(&tokens);
    let credential = device.get(&options(&asked.send().await)).unwrap();
    let mut trail = Trail::begin(&app).await;
    let body = json!({ "credential": credential });
    RENEW.on(&app).json(&body).bearer(&tokens).ok(200).await;
    let left = trail.left().await;
    assert!(left.len() == 1 && left[0].starts_with("reauthenticated done passkey"), "{left:?}");
    assert_eq!(app.database().texts("select methods from sessions"), ["pwd hwk uv"]);
    RENEW.on(&app).json(&body).bearer(&tokens).refused(401, "INVALID_PASSKEY").await;
}

#[tokio::test]
async fn a_security_key_will_do_and_a_passkey_has_to_check_who_the_user_is() {
    let app = app().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    let mut key = Device::security_key();
    add(&app, &tokens, &mut key, "security_key").await;
    device.verifies_user = false;
    for (device, status) in [(&mut device, 401), (&mut key, 200)] {
        let asked = OPTIONS.on(&app).bearer(&tokens);
        let credential = device.get(&options(&asked.send().await)).unwrap();
        let body = json!({ "credential": credential });
        assert_eq!(RENEW.on(&app).json(&body).bearer(&tokens).send().await.status, status);
    }
}

#[tokio::test]
async fn the_key_of_another_account_renews_nothing() {
    let app = app().await;
    let (ada, _) = with_passkey(&app, "ada").await;
    let (_, mut bobs) = with_passkey(&app, "bob").await;
    let mut asked = options(&OPTIONS.on(&app).bearer(&ada).send().await);
    asked["allowCredentials"] = json!([]);
    let body = json!({ "credential": bobs.get(&asked).unwrap() });
    RENEW.on(&app).json(&body).bearer(&ada).refused(401, "INVALID_PASSKEY").await;
}
