//! `POST /auth/mfa/passkey/options`: what a browser needs to ask for the key that completes a login.

use crate::authenticator::Device;
use crate::passkeys::add;
use crate::support::app;
use crate::v1::fixture::{Operation, keys, mfa_token, person, person_with_authenticator};

const OPTIONS: Operation = Operation("POST", "/auth/mfa/passkey/options");

#[tokio::test]
async fn a_pending_login_gets_the_keys_of_its_account() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    add(&app, &ada, &mut Device::security_key(), "security_key").await;
    let token = mfa_token(&app, "ada").await;
    let data = OPTIONS.on(&app).bearer(&token).ok(200).await.body["data"].clone();
    assert_eq!(keys(&data), "challenge timeout rpId allowCredentials userVerification");
    assert_eq!(data["allowCredentials"].as_array().unwrap().len(), 1);
    OPTIONS.on(&app).bearer("unknown").refused(401, "INVALID_TOKEN").await;
}

#[tokio::test]
async fn a_login_that_offers_no_key_is_refused() {
    let app = app().await;
    person_with_authenticator(&app, "ada").await;
    let token = mfa_token(&app, "ada").await;
    OPTIONS.on(&app).bearer(&token).refused(400, "VALIDATION_ERROR").await;
}
