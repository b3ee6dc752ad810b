//! Sessions record how their owner proved their identity: at the login, and at each later proof.

use std::time::Duration;

use authd::mail::Mail;
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Tokens, app, app_with};

/// The methods and the level of the newest session.
fn newest(app: &App) -> (String, i64) {
    let newest = "from sessions order by created_at desc, id desc limit 1";
    (
        app.database().texts(&format!("select methods {newest}")).pop().unwrap(),
        app.database().number(&format!("select level {newest}")),
    )
}

fn recorded(methods: &str, level: i64) -> (String, i64) {
    (methods.to_owned(), level)
}

/// The six digits of the newest letter with a code.
fn code_in(mails: &[Mail]) -> String {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    mails.iter().rev().find_map(|mail| mail.text.lines().find(is_code)).expect("a code").to_owned()
}

async fn call(app: &App, path: &str, token: &str, body: &Value) -> Answer {
    let answer = app.post(path, body).bearer(token).send().await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer
}

async fn verify(app: &App, token: &str, code: &str) -> Answer {
    call(app, "/v1/auth/mfa/verify", token, &json!({ "code": code })).await
}

/// A login that waits for a second factor.
async fn waiting(app: &App) -> String {
    let login = app.login("ada", PASSWORD).await;
    login.body["error"]["mfaToken"].as_str().unwrap_or_else(|| panic!("{}", login.text)).to_owned()
}

/// Sets up an authenticator; returns it with its backup codes.
async fn guard(app: &App, tokens: &Tokens) -> (totp_rs::Totp, Vec<String>) {
    let set_up = call(app, "/v1/auth/mfa/setup", &tokens.access, &json!({ "type": "totp" })).await;
    let data = &set_up.body["data"];
    let secret = totp_rs::Secret::try_from_base32(data["secret"].as_str().unwrap()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let codes = data["backupCodes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    verify(app, &tokens.access, &shown(app, &totp)).await;
    app.turn_clock(Duration::from_secs(30));
    (totp, codes)
}

fn shown(app: &App, totp: &totp_rs::Totp) -> String {
    totp.generate(u64::try_from(app.core.env.wall().seconds()).unwrap()).to_string()
}

#[tokio::test]
async fn a_password_is_one_method() {
    let app = app().await;
    app.enter("ada").await;
    assert_eq!(newest(&app), recorded("pwd", 1));
}

#[tokio::test]
async fn a_password_and_a_code_are_two_methods() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let (totp, backup_codes) = guard(&app, &tokens).await;
    verify(&app, &waiting(&app).await, &shown(&app, &totp)).await;
    assert_eq!(newest(&app), recorded("pwd otp", 2));
    verify(&app, &waiting(&app).await, &backup_codes[0]).await;
    assert_eq!(newest(&app), recorded("pwd backup_code", 2));
}

#[tokio::test]
async fn a_mailed_code_is_a_method_of_its_own() {
    let app = app_with("standard", &[("login.passwordless", "true")]).await;
    let tokens = app.enter("ada").await;
    let by_mail = async || {
        let ask = json!({ "email": "ada@example.com" });
        assert_eq!(app.post("/v1/auth/otp/request", &ask).send().await.status, 200);
        let code = code_in(&app.mails().await);
        let show = json!({ "email": "ada@example.com", "code": code });
        app.post("/v1/auth/otp/verify", &show).send().await
    };
    assert_eq!(by_mail().await.status, 200);
    assert_eq!(newest(&app), recorded("mail", 1));
    let (totp, _) = guard(&app, &tokens).await;
    let login = by_mail().await;
    let token = login.body["error"]["mfaToken"].as_str().unwrap();
    verify(&app, token, &shown(&app, &totp)).await;
    assert_eq!(newest(&app), recorded("mail otp", 2));
}

#[tokio::test]
async fn a_password_and_a_mailed_code_are_two_methods() {
    let app = app_with("standard", &[("login.otp", "email")]).await;
    app.join("ada").await;
    let token = waiting(&app).await;
    verify(&app, &token, &code_in(&app.mails().await)).await;
    assert_eq!(newest(&app), recorded("pwd mail", 2));
}

#[tokio::test]
async fn a_later_proof_is_added_once() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let again = json!({ "password": PASSWORD });
    call(&app, "/v1/auth/reauthenticate", &tokens.access, &again).await;
    assert_eq!(newest(&app), recorded("pwd", 1));
    let (totp, _) = guard(&app, &tokens).await;
    assert_eq!(newest(&app), recorded("pwd otp", 2), "the code that confirms a factor shows it");
    for _ in 0..2 {
        let code = json!({ "code": shown(&app, &totp) });
        call(&app, "/v1/auth/reauthenticate", &tokens.access, &code).await;
        assert_eq!(newest(&app), recorded("pwd otp", 2));
        app.turn_clock(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_refresh_changes_nothing_about_the_proof() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let body = json!({ "refreshToken": tokens.refresh });
    assert_eq!(app.post("/v1/auth/refresh", &body).send().await.status, 200);
    assert_eq!(newest(&app), recorded("pwd", 1));
}
