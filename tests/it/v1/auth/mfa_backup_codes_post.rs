//! `POST /auth/mfa/backup-codes`: new backup codes in place of the previous ones.

use serde_json::json;

use crate::factors::{STEP, set_up};
use crate::support::{app, app_with};
use crate::v1::fixture::{
    HOUR, Operation, Trail, keys, mfa_token, person, person_with_authenticator,
};

const RENEW: Operation = Operation("POST", "/auth/mfa/backup-codes");

#[tokio::test]
async fn a_confirmed_factor_is_needed() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    RENEW.on(&app).bearer(&ada).refused(400, "MFA_NOT_ENABLED").await;
    set_up(&app, &ada.access).await;
    RENEW.on(&app).bearer(&ada).refused(400, "MFA_NOT_ENABLED").await;
}

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    app.turn_clock(HOUR);
    RENEW.on(&app).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    let proof = json!({ "code": phone.code(&app, 0) });
    app.post("/v1/auth/reauthenticate", &proof).bearer(&ada).ok(200).await;
    RENEW.on(&app).bearer(&ada).ok(200).await;
}

#[tokio::test]
async fn ten_codes_replace_the_previous_ones_and_it_is_recorded_and_mailed() {
    let app = app().await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let mut trail = Trail::begin(&app).await;
    let made = RENEW.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(keys(&made.body["data"]), "backupCodes");
    let codes = made.body["data"]["backupCodes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["backup_codes_made done"]);
    let mails = app.mails().await;
    assert!(mails.len() == 1 && mails[0].to == "ada@example.com", "{mails:?}");
    assert!(
        codes.iter().all(|code| !mails[0].text.contains(code.as_str().unwrap())),
        "{}",
        mails[0].text
    );

    app.turn_clock(STEP);
    let token = mfa_token(&app, "ada").await;
    let verify = async |code: &str| {
        app.post("/v1/auth/mfa/verify", &json!({ "code": code })).bearer(&token).send().await
    };
    verify(&phone.backup_codes[0]).await.refused(400, "INVALID_MFA_CODE");
    verify(codes[0].as_str().unwrap()).await.ok(200);
}
