//! The operations of the four documented APIs, one file each: `compat/<wire>/<path>_<verb>.rs`.
//!
//! `authbackend.rs`, `jobpath.rs`, `jobpsych.rs` and `siteworks.rs` check the flows that the
//! documents print. The files here check each operation alone: bad input, used-up limits, accounts
//! and sessions in the wrong state, what a response must not contain, and what the audit log
//! records. Every response must also have a status that the wire's OpenAPI document lists.

mod authbackend;
mod checks;
mod general_limit;
mod jobpath;
mod jobpsych;
mod layout;
mod password_change;
mod siteworks;
mod wording;

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::admin::make;
use crate::support::{self, Answer, App, Call, UNLIMITED, app_with, token_in};

use wording::{Said, Wording};

/// The account of most scenarios.
const EMAIL: &str = "user@example.com";
/// A password that all four profiles accept, from two of the documents.
const PASSWORD: &str = "SecurePass123!";
const NEW_PASSWORD: &str = "NewSecurePass456!";
/// This machine, from which the profiles without administrators accept admin calls.
const LOOPBACK: &str = "127.0.0.1";
const MINUTE: Duration = Duration::from_mins(1);

/// The server with the profile of a wire, and what its clients know of it.
pub struct WireApp {
    pub app: App,
    wording: Wording,
    document: Value,
    /// The headers of an API client, on the wire that requires one. It is a server, so its calls are
    /// counted per address of an account.
    headers: Vec<(&'static str, String)>,
    root: OnceCell<String>,
}

/// The tokens of a login. The refresh token comes from the body or from the cookie.
#[derive(Clone)]
pub struct Session {
    pub access: String,
    pub refresh: String,
}

impl WireApp {
    /// For scenarios that are not about limits.
    pub async fn without_limits(name: &str) -> Self {
        Self::with(name, &UNLIMITED).await
    }

    /// The profile's own values, with some keys set.
    pub async fn with(name: &str, keys: &[(&str, &str)]) -> Self {
        let app = app_with(name, keys).await;
        let document = app.get(&format!("/openapi/{name}.json")).send().await.body;
        let mut headers = Vec::new();
        if name == "authbackend" {
            let (id, key) = app.api_client("backend", "service").await;
            headers.extend([("x-app-id", id), ("x-service-key", key)]);
        }
        Self { app, wording: Wording::of(name), document, headers, root: OnceCell::new() }
    }

    pub fn call(&self, method: Method, path: &str) -> WireCall<'_> {
        let call = self.app.call(method.clone(), path);
        let call = self.headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        WireCall { wire: self, method, path: path.to_owned(), call }
    }

    pub fn get(&self, path: &str) -> WireCall<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> WireCall<'_> {
        self.call(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> WireCall<'_> {
        self.call(Method::PUT, path)
    }

    pub fn delete(&self, path: &str) -> WireCall<'_> {
        self.call(Method::DELETE, path)
    }

    /// The operation of the document that serves this path.
    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object().unwrap();
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (known, asked) = (template.split('/'), path.split('/'));
            known.clone().count() == asked.clone().count()
                && known.zip(asked).all(|(known, asked)| known == asked || known.starts_with('{'))
        };
        let item = paths
            .get(path)
            .or_else(|| paths.iter().find(|(known, _)| fits(known)).map(|(_, item)| item));
        item?.get(method.as_str().to_lowercase())
    }

    /// Status, code and message of a refusal in this wire's envelope.
    pub fn refusal<'a>(&self, answer: &'a Answer) -> Said<'a> {
        self.wording.refusal(answer)
    }

    /// The fields that a validation error names, each with its sentence.
    pub fn rows<'a>(&self, answer: &'a Answer) -> Vec<(&'a str, &'a str)> {
        self.wording.rows(answer)
    }

    /// Sends a call; returns its response and what it added to the audit log.
    pub async fn recorded(&self, call: WireCall<'_>) -> (Answer, Vec<String>) {
        let before = self.app.audit().await.len();
        let answer = call.send().await;
        (answer, self.app.audit().await.split_off(before))
    }

    /// The sign-up request of this wire's document, for another address.
    pub fn sign_up(&self, email: &str) -> WireCall<'_> {
        let body = match self.wording.name {
            "authbackend" => {
                json!({ "email": email, "firstName": "John", "lastName": "Doe", "password": PASSWORD })
            }
            "jobpath" => json!({ "email": email, "password": PASSWORD }),
            "jobpsych" => {
                json!({ "name": "John Doe", "email": email, "password": PASSWORD, "company_name": "Acme Corp" })
            }
            _ => json!({ "email": email, "password": PASSWORD, "name": "John Doe" }),
        };
        self.post(self.wording.sign_up).json(&body)
    }

    /// Creates an account and verifies its address where the wire requires it.
    pub async fn join(&self, email: &str) {
        let made = self.sign_up(email).send().await;
        assert!(made.status.is_success(), "{}", made.text);
        let letters = self.app.mails().await;
        if self.wording.name == "authbackend" {
            let body = json!({ "token": token_in(&letters, "verify-email?token=") });
            assert_eq!(self.post("/api/auth/verify-email").json(&body).send().await.status, 200);
        }
    }

    pub fn login(&self, email: &str, password: &str) -> WireCall<'_> {
        self.post(self.wording.login).json(&json!({ "email": email, "password": password }))
    }

    /// Logs in, with the mailed code where the wire requires one.
    pub async fn enter(&self, email: &str) -> Session {
        self.enter_from(email, PASSWORD, "192.0.2.1").await
    }

    /// Creates an account and logs it in.
    pub async fn join_and_enter(&self, email: &str) -> Session {
        self.join(email).await;
        self.enter(email).await
    }

    async fn enter_from(&self, email: &str, password: &str, address: &str) -> Session {
        let mut answer = self.login(email, password).from(address).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if self.wording.name == "authbackend" {
            let body = json!({ "email": email, "otpCode": self.mailed_code().await });
            answer = self.post("/api/auth/verify-otp").json(&body).from(address).send().await;
        }
        session_of(&answer)
    }

    /// The six digits of the newest letter that has some.
    pub async fn mailed_code(&self) -> String {
        let letters = self.app.mails().await;
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        let code = letters
            .iter()
            .rev()
            .find_map(|letter| letter.text.lines().map(str::trim).find(is_code));
        code.expect("no code was mailed").to_owned()
    }

    /// The access token of an administrator.
    async fn root(&self) -> &str {
        let enter = || async {
            make(&self.app, "root", &["admin"]).await;
            self.enter_from("root@example.com", support::PASSWORD, LOOPBACK).await.access
        };
        self.root.get_or_init(enter).await
    }

    /// Sends a call of the native API as an administrator on this machine.
    async fn administer(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let call = self.app.call(method, path).bearer(self.root().await).from(LOOPBACK);
        let call = body.into_iter().fold(call, |call, body| call.json(&body));
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer
    }

    /// The path of an account in the native API's admin calls.
    async fn admin_path(&self, email: &str) -> String {
        let found =
            self.administer(Method::GET, &format!("/v1/admin/users?search={email}"), None).await;
        format!("/v1/admin/users/{}", text(&found, "/data/users/0/id"))
    }

    /// Suspends an account, as `authd user lock` does.
    pub async fn suspend(&self, email: &str) {
        let path = self.admin_path(email).await;
        self.administer(Method::PUT, &path, Some(json!({ "status": "suspended" }))).await;
    }

    /// Deletes an account, as `authd user delete` does.
    pub async fn remove(&self, email: &str) {
        let path = self.admin_path(email).await;
        self.administer(Method::DELETE, &path, None).await;
    }

    /// Gives an account an authenticator, through the native API.
    pub async fn add_authenticator(&self, email: &str) -> Authenticator {
        if self.wording.name != "authbackend" {
            let path = format!("{}/verify", self.admin_path(email).await);
            self.administer(Method::POST, &path, None).await;
        }
        let session = self.enter(email).await;
        let native = |path: &str, body: &Value| self.post(path).json(body).bearer(&session.access);
        let setup = native("/v1/auth/mfa/setup", &json!({ "type": "totp" })).send().await;
        let secret = totp_rs::Secret::try_from_base32(text(&setup, "/data/secret")).unwrap();
        let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        let added = Authenticator { totp, backup_code: text(&setup, "/data/backupCodes/0") };
        let confirmed =
            native("/v1/auth/mfa/verify", &json!({ "code": added.code(&self.app) })).send().await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.text);
        self.app.mails().await;
        added
    }
}

/// An authenticator app, implemented independently of the server.
pub struct Authenticator {
    totp: totp_rs::Totp,
    pub backup_code: String,
}

impl Authenticator {
    pub fn code(&self, app: &App) -> String {
        self.totp.generate(u64::try_from(app.core.env.wall().seconds()).unwrap()).to_string()
    }
}

/// A request of a wire. Its response must have a status that the wire's document lists.
pub struct WireCall<'a> {
    wire: &'a WireApp,
    method: Method,
    path: String,
    call: Call<'a>,
}

impl<'a> WireCall<'a> {
    fn map(self, change: impl FnOnce(Call<'a>) -> Call<'a>) -> Self {
        Self { call: change(self.call), ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        self.map(|call| call.json(body))
    }

    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.map(|call| call.body(content_type, body))
    }

    pub fn bearer(self, token: &str) -> Self {
        self.map(|call| call.bearer(token))
    }

    /// Sends a refresh token in its cookie.
    pub fn cookie(self, token: &str) -> Self {
        self.header("cookie", &format!("refreshToken={token}"))
    }

    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.map(|call| call.header(name, value))
    }

    pub fn without(self, name: &'static str) -> Self {
        self.map(|call| call.without(name))
    }

    pub fn version(self, version: poem::http::Version) -> Self {
        self.map(|call| call.version(version))
    }

    /// Sets the client IP.
    pub fn from(self, address: &str) -> Self {
        self.map(|call| call.from(address))
    }

    pub async fn send(self) -> Answer {
        let answer = self.call.send().await;
        if let Some(operation) = self.wire.operation(&self.method, &self.path) {
            let status = answer.status.as_str();
            let is_listed = operation["responses"].get(status).is_some();
            assert!(
                is_listed,
                "{} {}: its document has no {status}: {}",
                self.method, self.path, answer.text
            );
        }
        answer
    }
}

/// A text in a response.
pub fn text(answer: &Answer, pointer: &str) -> String {
    let found = answer.body.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer}: {}", answer.text)).to_owned()
}

/// The session that a login or a sign-up began.
pub fn session_of(answer: &Answer) -> Session {
    let first = |places: &[&str]| {
        places.iter().find_map(|place| answer.body.pointer(place)?.as_str()).map(str::to_owned)
    };
    let access = first(&["/tokens/accessToken", "/accessToken", "/access_token", "/data/token"]);
    let refresh =
        first(&["/tokens/refreshToken", "/data/refreshToken"]).or_else(|| answer.cookie());
    Session {
        access: access.unwrap_or_else(|| panic!("{}", answer.text)),
        refresh: refresh.unwrap_or_default(),
    }
}

/// The names of an object's fields, in order.
pub fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The body with one field replaced.
pub fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}
