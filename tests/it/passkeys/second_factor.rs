//! Security keys, and passkeys where a second factor is due.

use poem::http::Method;
use serde_json::{Value, json};

use super::{add, list, log_in, options, outcome, server, unwrapped, with_passkey};
use crate::authenticator::Device;
use crate::factors;
use crate::support::{Answer, App, PASSWORD, Tokens};

/// Asks for a key that completes this login.
async fn step_options(app: &App, token: &str) -> Answer {
    app.call(Method::POST, "/v1/auth/mfa/passkey/options").bearer(token).send().await
}

async fn step(app: &App, token: &str, credential: &Value) -> Answer {
    let body = json!({ "credential": credential });
    app.post("/v1/auth/mfa/passkey", &body).bearer(token).send().await
}

/// An account that a security key guards.
async fn guarded(app: &App, name: &str) -> (Tokens, Device, Vec<String>) {
    let tokens = app.enter(name).await;
    let mut device = Device::security_key();
    let added = add(app, &tokens, &mut device, "security_key").await;
    let codes = added["backupCodes"].as_array().unwrap().iter();
    (tokens, device, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn a_security_key_guards_the_password() {
    let app = server().await;
    let (_, mut device, codes) = guarded(&app, "ada").await;
    assert_eq!(codes.len(), 10, "a lost key is not the end");
    let login = app.login("ada", PASSWORD).await;
    assert_eq!(login.body["error"]["methods"], json!(["passkey", "backup_code"]));
    let token = factors::waiting(&login);
    let asked = options(&step_options(&app, &token).await);
    assert_eq!(asked["userVerification"], "discouraged");
    assert_eq!(asked["allowCredentials"].as_array().unwrap().len(), 1);
    let answer = step(&app, &token, &device.get(&asked).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let newest =
        "select methods || ' ' || level from sessions order by created_at desc, id desc limit 1";
    assert_eq!(app.database().texts(newest), ["pwd hwk 2"]);
    let again = step(&app, &token, &device.get(&asked).unwrap()).await;
    assert_eq!(outcome(&again), (401, "INVALID_TOKEN"), "the login is complete");
    let token = factors::waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(factors::verify(&app, &token, &codes[0]).await.status, 200);
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| unwrapped(mail).contains("your password now asks for it")));
}

#[tokio::test]
async fn a_key_without_user_verification_is_a_second_factor_only() {
    let app = server().await;
    let (_, mut device, _) = guarded(&app, "ada").await;
    device.tells_handle = true;
    let answer = log_in(&app, &mut device).await;
    assert_eq!(outcome(&answer), (401, "INVALID_PASSKEY"));
    assert!(answer.text.contains("did not check who you are"), "{}", answer.text);
    // A thief can give a key without a PIN one of their own.
    device.verifies_user = true;
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
}

#[tokio::test]
async fn the_keys_of_others_complete_no_login() {
    let app = server().await;
    guarded(&app, "ada").await;
    let (_, mut bobs) = with_passkey(&app, "bob").await;
    let token = factors::waiting(&app.login("ada", PASSWORD).await);
    let mut asked = options(&step_options(&app, &token).await);
    asked["allowCredentials"] = json!([]);
    for attempt in 1..=5 {
        let answer = step(&app, &token, &bobs.get(&asked).unwrap()).await;
        assert_eq!(outcome(&answer), (401, "INVALID_PASSKEY"), "attempt {attempt}");
    }
    let answer = step(&app, &token, &bobs.get(&asked).unwrap()).await;
    assert_eq!(outcome(&answer), (401, "INVALID_TOKEN"), "the attempts are used up");
}

#[tokio::test]
async fn an_answer_counts_for_the_login_that_asked() {
    let app = server().await;
    let (_, mut device, _) = guarded(&app, "ada").await;
    let first = factors::waiting(&app.login("ada", PASSWORD).await);
    let second = factors::waiting(&app.login("ada", PASSWORD).await);
    let asked = options(&step_options(&app, &first).await);
    let credential = device.get(&asked).unwrap();
    assert_eq!(outcome(&step(&app, &second, &credential).await), (401, "INVALID_PASSKEY"));
    assert_eq!(step(&app, &first, &credential).await.status, 200);
}

#[tokio::test]
async fn a_passkey_will_do_where_an_authenticator_app_is_due() {
    let app = server().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    let phone = factors::set_up(&app, &tokens).await;
    assert_eq!(factors::verify(&app, &tokens, &phone.code(&app, 0)).await.status, 200);
    let login = app.login("ada", PASSWORD).await;
    assert_eq!(login.body["error"]["methods"], json!(["totp", "passkey", "backup_code"]));
    let token = factors::waiting(&login);
    let asked = options(&step_options(&app, &token).await);
    assert_eq!(step(&app, &token, &device.get(&asked).unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_login_that_offers_no_key_takes_none() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let phone = factors::set_up(&app, &tokens).await;
    assert_eq!(factors::verify(&app, &tokens, &phone.code(&app, 0)).await.status, 200);
    let token = factors::waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(outcome(&step_options(&app, &token).await), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn without_its_last_security_key_the_password_suffices() {
    let app = server().await;
    let (tokens, mut device, codes) = guarded(&app, "ada").await;
    let token = factors::waiting(&app.login("ada", PASSWORD).await);
    let id = list(&app, &tokens).await["passkeys"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/users/me/passkeys/{id}");
    app.call(Method::DELETE, &path).bearer(&tokens).ok(200).await;
    let overview = app.get("/v1/users/me/mfa").bearer(&tokens).send().await;
    assert_eq!(overview.body["data"]["enabled"], false);
    assert_eq!(overview.body["data"]["backupCodesLeft"], 0);
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    let late = factors::verify(&app, &token, &codes[0]).await;
    assert_eq!(outcome(&late), (401, "INVALID_TOKEN"), "a pending login is void");
    assert!(
        device
            .get(&json!({ "challenge": "AA", "rpId": "localhost", "allowCredentials": [] }))
            .is_some()
    );
}
