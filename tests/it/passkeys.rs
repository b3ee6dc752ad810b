//! Passkeys and security keys: complete flows with an authenticator in software, and everything that
//! must be refused.

mod chromium;
mod judges;
mod keys;
mod logins;
mod refused;
mod second_factor;
mod settings;

use authd::mail::Mail;
use poem::http::Method;
use serde_json::{Value, json};

use crate::authenticator::Device;
use crate::support::{Answer, App, Tokens, UNLIMITED, app_with};

/// The profile `standard`, without limits per client.
pub async fn server() -> App {
    app_with("standard", &UNLIMITED).await
}

/// The options in a response.
pub fn options(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["data"].clone()
}

/// The options to add a key.
pub async fn creation_options(app: &App, access: &str, kind: &str) -> Value {
    let asked = app.post("/v1/users/me/passkeys/options", &json!({ "type": kind })).bearer(access);
    options(&asked.send().await)
}

/// Sends a new key.
pub async fn send_key(app: &App, access: &str, credential: &Value) -> Answer {
    let body = json!({ "credential": credential });
    app.post("/v1/users/me/passkeys", &body).bearer(access).send().await
}

/// Adds a key of this kind to the account; returns what the server says of it.
pub async fn add(app: &App, access: &str, device: &mut Device, kind: &str) -> Value {
    let credential = device.create(&creation_options(app, access, kind).await).unwrap();
    let answer = send_key(app, access, &credential).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["data"].clone()
}

/// The options of a login without a name.
pub async fn login_options(app: &App) -> Value {
    options(&app.call(Method::POST, "/v1/auth/passkey/options").send().await)
}

/// Sends the answer of a passkey.
pub async fn log_in_with(app: &App, credential: &Value) -> Answer {
    app.post("/v1/auth/passkey", &json!({ "credential": credential })).send().await
}

/// Logs in with a passkey that the device finds.
pub async fn log_in(app: &App, device: &mut Device) -> Answer {
    let credential = device.get(&login_options(app).await).unwrap();
    log_in_with(app, &credential).await
}

/// An account with a passkey, and the device that has it.
pub async fn with_passkey(app: &App, name: &str) -> (Tokens, Device) {
    let tokens = app.enter(name).await;
    let mut device = Device::new();
    add(app, &tokens, &mut device, "passkey").await;
    (tokens, device)
}

/// The keys of the caller.
pub async fn list(app: &App, access: &str) -> Value {
    let answer = app.get("/v1/users/me/passkeys").bearer(access).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["data"].clone()
}

/// The text of a letter on one line, however it is wrapped.
pub fn unwrapped(mail: &Mail) -> String {
    mail.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Status and code.
pub fn outcome(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}
