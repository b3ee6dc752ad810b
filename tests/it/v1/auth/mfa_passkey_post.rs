//! `POST /auth/mfa/passkey`: a key completes a login.

use serde_json::json;

use crate::authenticator::Device;
use crate::passkeys::{add, options};
use crate::support::app;
use crate::v1::fixture::{Operation, Trail, mfa_token, person};

const STEP: Operation = Operation("POST", "/auth/mfa/passkey");

#[tokio::test]
async fn it_is_recorded_with_the_key() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut device = Device::security_key();
    add(&app, &ada, &mut device, "security_key").await;
    let token = mfa_token(&app, "ada").await;
    let asked = Operation("POST", "/auth/mfa/passkey/options").on(&app).bearer(&token);
    let credential = device.get(&options(&asked.send().await)).unwrap();
    let mut trail = Trail::begin(&app).await;
    let mut wrong = credential.clone();
    wrong["response"]["signature"] = "AAAA".into();
    let body = json!({ "credential": wrong });
    STEP.on(&app).json(&body).bearer(&token).refused(401, "INVALID_PASSKEY").await;
    let left = trail.left().await;
    assert!(left[0].starts_with("factor_shown refused bad_signature: security_key"), "{left:?}");
    let body = json!({ "credential": credential });
    let done = STEP.on(&app).json(&body).bearer(&token).ok(200).await;
    assert_eq!(done.cookie(), Some(done.tokens().refresh));
    let left = trail.left().await;
    assert!(left[0].starts_with("factor_shown done security_key"), "{left:?}");
    assert_eq!(left[1..], ["login done"]);
    STEP.on(&app).json(&body).bearer("unknown").refused(401, "INVALID_TOKEN").await;
}
