//! An account with an authenticator: its code completes the login, and no mail is sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::{EMAIL, PASSWORD, Stage, refusal, text};
use crate::support::Answer;

impl Stage {
    async fn show(&self, code: &str) -> Answer {
        self.post("verify-otp", &json!({ "email": EMAIL, "otpCode": code })).send().await
    }
}

#[tokio::test]
async fn an_authenticator_or_a_backup_code_completes_a_login_and_no_mail_is_sent() {
    let stage = Stage::set().await;
    stage.join().await;
    let access = text(&stage.enter(PASSWORD).await, "/data/token");
    let set_up = stage
        .app
        .post("/v1/auth/mfa/setup", &json!({ "type": "totp" }))
        .bearer(&access)
        .send()
        .await;
    let secret = totp_rs::Secret::try_from_base32(text(&set_up, "/data/secret")).unwrap();
    let phone = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let code =
        || phone.generate(u64::try_from(stage.app.core.env.wall().seconds()).unwrap()).to_string();
    let confirm = stage.app.post("/v1/auth/mfa/verify", &json!({ "code": code() })).bearer(&access);
    let confirm =
        confirm.header("x-app-id", &stage.id).header("x-service-key", &stage.key).send().await;
    assert_eq!(confirm.status, 200, "{}", confirm.text);
    stage.app.mails().await;

    stage.app.turn_clock(Duration::from_mins(15));
    let begun = stage.login(PASSWORD).await;
    assert_eq!(
        begun.body["data"],
        json!({ "email": EMAIL, "otpRequired": true }),
        "the answer tells of no factor"
    );
    assert_eq!(refusal(&stage.show("000000").await).1, "OTP_ERROR");
    assert_eq!(stage.show(&code()).await.body["message"], "Login successful");

    stage.app.turn_clock(Duration::from_mins(15));
    assert_eq!(stage.login(PASSWORD).await.status, 200);
    let backup = text(&set_up, "/data/backupCodes/0");
    assert_eq!(stage.show(&backup).await.body["message"], "Login successful");
    stage.app.turn_clock(Duration::from_mins(15));
    assert_eq!(stage.login(PASSWORD).await.status, 200);
    assert_eq!(refusal(&stage.show(&backup).await).0, 400, "once");
    let codes: Vec<Value> =
        stage.app.mails().await.iter().map(|mail| mail.subject.clone().into()).collect();
    assert!(
        !codes.iter().any(|subject| subject.as_str().unwrap().starts_with("Your code")),
        "{codes:?}"
    );
}
