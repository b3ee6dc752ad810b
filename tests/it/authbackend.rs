//! The authbackend wire, call by call as in its document, on the real program with its profile.

mod admin;
mod factors;
mod first_start;
mod limits;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::identity::admin::accounts;
use authd::identity::admin::accounts::RoleChange;
use authd::model::Time;
use authd::model::app::ApiClientKind;
use poem::http::Method;
use serde_json::{Value, json};

use crate::process::{CHEAP, Folder, Server};
use crate::support::{Answer, App, Call, START, app_with, token_in};

const EMAIL: &str = "user@example.com";
const PASSWORD: &str = "SecurePass123!";
const NEW_PASSWORD: &str = "NewSecurePass123!";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36";

/// The program with its profile, and the API client that calls it.
struct Stage {
    app: App,
    id: String,
    key: String,
}

impl Stage {
    async fn set() -> Self {
        Self::set_with(&[]).await
    }

    async fn set_with(keys: &[(&str, &str)]) -> Self {
        let app = app_with("authbackend", keys).await;
        let (made, key) =
            apps::create(&app.core, &By::command_line(), "web", ApiClientKind::Client)
                .await
                .unwrap();
        Self { id: made.id, key: key.reveal().to_owned(), app }
    }

    /// The same, called by a server with a key of its own.
    async fn as_service(mut self) -> Self {
        (self.id, self.key) = self.app.api_client("server", "service").await;
        self
    }

    fn post(&self, path: &str, body: &Value) -> Call<'_> {
        let call = self.app.post(&format!("/api/auth/{path}"), body).header("user-agent", CHROME);
        call.header("x-app-id", &self.id).header("x-service-key", &self.key)
    }

    async fn sign_up(&self) -> Answer {
        self.post("signup", &example()).send().await
    }

    /// Signs up the example account and follows the mailed link.
    async fn join(&self) {
        assert_eq!(self.sign_up().await.status, 200);
        let token = token_in(&self.app.mails().await, "verify-email?token=");
        let proved =
            self.app.post("/api/auth/verify-email", &json!({ "token": token })).send().await;
        assert_eq!(proved.body, done("Email verified successfully"));
    }

    async fn login(&self, password: &str) -> Answer {
        self.post("login", &json!({ "email": EMAIL, "password": password })).send().await
    }

    async fn mailed_code(&self) -> String {
        let mails = self.app.mails().await;
        let lines = mails.iter().flat_map(|mail| mail.text.lines());
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        lines.map(str::trim).find(is_code).expect("no code was mailed").to_owned()
    }

    /// Logs in with both steps; returns the second response.
    async fn enter(&self, password: &str) -> Answer {
        let begun = self.login(password).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let code = self.mailed_code().await;
        let entered =
            self.post("verify-otp", &json!({ "email": EMAIL, "otpCode": code })).send().await;
        assert_eq!(entered.status, 200, "{}", entered.text);
        entered
    }

    /// Signs up and logs in as an administrator; returns the access token.
    async fn administrate(&self) -> String {
        self.join().await;
        accounts::change_role(
            &self.app.core,
            &By::command_line(),
            EMAIL,
            "admin",
            RoleChange::Give,
        )
        .await
        .unwrap();
        text(&self.enter(PASSWORD).await, "/data/token")
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.app.get(path).bearer(token).send().await
    }
}

/// The sign-up example of the document.
fn example() -> Value {
    json!({ "email": EMAIL, "firstName": "John", "lastName": "Doe", "password": PASSWORD, "role": "user" })
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

fn text(answer: &Answer, pointer: &str) -> String {
    let found = answer.body.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer}: {}", answer.text)).to_owned()
}

/// Status, code and message of an error; checks its envelope.
fn refusal(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.body["success"], false, "{}", answer.text);
    assert_eq!(
        answer.body.get("errors").is_some(),
        answer.body["code"] == "VALIDATION_ERROR",
        "{}",
        answer.text
    );
    (answer.status.as_u16(), text(answer, "/code"), text(answer, "/message"))
}

fn refused(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

fn seconds_text(millis: i64) -> String {
    Time::from_millis(millis).to_seconds_text()
}

#[tokio::test]
async fn sign_up_verification_and_the_two_steps_of_a_login_answer_as_the_document_prints() {
    let stage = Stage::set().await;
    let signed_up = stage.sign_up().await;
    assert_eq!(signed_up.status, 200, "{}", signed_up.text);
    let expected = json!({
        "success": true,
        "message": "User registered successfully. Please verify your email.",
        "data": { "userId": 1, "email": EMAIL, "emailVerificationRequired": true },
    });
    assert_eq!(signed_up.body, expected);
    assert_eq!(
        refusal(&stage.sign_up().await),
        refused(400, "VALIDATION_ERROR", "Email already exists")
    );

    let token = token_in(&stage.app.mails().await, "verify-email?token=");
    let early = stage.login(PASSWORD).await;
    assert_eq!(refusal(&early).0, 401);
    assert_eq!(early.body["code"], "AUTHENTICATION_ERROR");
    assert!(stage.app.mails().await.iter().any(|mail| mail.text.contains("verify-email?token=")));

    let verify = || stage.app.post("/api/auth/verify-email", &json!({ "token": token }));
    assert_eq!(verify().send().await.body, done("Email verified successfully"));
    assert_eq!(verify().send().await.body, done("Email is already verified"));
    let wrong =
        stage.app.post("/api/auth/verify-email", &json!({ "token": "nothing" })).send().await;
    assert_eq!(refusal(&wrong), refused(400, "TOKEN_ERROR", "Invalid or expired token"));

    let begun = stage.login(PASSWORD).await;
    let expected = json!({
        "success": true,
        "message": "Verification code sent to your email",
        "data": { "email": EMAIL, "otpRequired": true },
    });
    assert_eq!((begun.status.as_u16(), &begun.body), (200, &expected));

    let code = stage.mailed_code().await;
    let body = json!({ "email": EMAIL, "otpCode": code });
    let entered = stage.post("verify-otp", &body).send().await;
    let expected = json!({
        "success": true,
        "message": "Login successful",
        "data": {
            "token": text(&entered, "/data/token"),
            "refreshToken": text(&entered, "/data/refreshToken"),
            "user": { "id": 1, "email": EMAIL, "role": "user" },
            "sessionId": text(&entered, "/data/sessionId"),
        },
    });
    assert_eq!((entered.status.as_u16(), &entered.body), (200, &expected));
    let again = stage.post("verify-otp", &body).send().await;
    assert_eq!(refusal(&again), refused(400, "OTP_ERROR", "Invalid or expired OTP"));
}

#[tokio::test]
async fn the_three_steps_of_a_reset_set_a_new_password_and_only_the_last_uses_the_code_up() {
    let stage = Stage::set_with(&[("password.personal", "true")]).await;
    stage.join().await;
    let token = text(&stage.enter(PASSWORD).await, "/data/token");
    for email in [EMAIL, "nobody@example.com"] {
        let asked = stage.post("password-reset", &json!({ "email": email })).send().await;
        assert_eq!(
            (asked.status.as_u16(), &asked.body),
            (200, &done("Password reset code sent to your email"))
        );
    }
    let code = stage.mailed_code().await;
    let shown = |code: &str| json!({ "email": EMAIL, "otpCode": code });
    for _ in 0..2 {
        let seen = stage.post("password-reset/verify-otp", &shown(&code)).send().await;
        assert_eq!(seen.body, done("OTP verified successfully"), "{}", seen.text);
    }
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let seen = stage.post("password-reset/verify-otp", &shown(wrong)).send().await;
    assert_eq!(refusal(&seen), refused(400, "OTP_ERROR", "Invalid or expired OTP"));

    let confirm =
        |code: &str| json!({ "email": EMAIL, "otpCode": code, "newPassword": NEW_PASSWORD });
    for _ in 0..4 {
        // A password that breaks a rule uses up neither the code nor one of the hourly resets.
        let bad = json!({ "email": EMAIL, "otpCode": code, "newPassword": "JohnJohn" });
        let bad = stage.post("password-reset/confirm", &bad).send().await;
        assert_eq!(bad.body["code"], "VALIDATION_ERROR", "{}", bad.text);
    }
    let set = stage.post("password-reset/confirm", &confirm(&code)).send().await;
    assert_eq!(set.body, done("Password reset successfully"), "{}", set.text);
    let again = stage.post("password-reset/confirm", &confirm(&code)).send().await;
    assert_eq!(refusal(&again), refused(400, "OTP_ERROR", "Invalid or expired OTP"));
    assert_eq!(stage.get("/api/auth/sessions", &token).await.status, 401);
    assert_eq!(
        refusal(&stage.login(PASSWORD).await),
        refused(401, "AUTHENTICATION_ERROR", "Invalid email or password")
    );
    stage.enter(NEW_PASSWORD).await;
}

#[tokio::test]
async fn a_code_for_an_unknown_address_is_answered_like_a_wrong_one() {
    let stage = Stage::set().await;
    stage.join().await;
    for path in ["verify-otp", "password-reset/verify-otp"] {
        let show = |email: &str| stage.post(path, &json!({ "email": email, "otpCode": "123456" }));
        let (known, unknown) = (show(EMAIL).send().await, show("nobody@example.com").send().await);
        assert_eq!(refusal(&known), refused(400, "OTP_ERROR", "Invalid or expired OTP"), "{path}");
        assert_eq!(known.text, unknown.text);
    }
}

#[tokio::test]
async fn tokens_are_validated_and_refreshed_and_the_refresh_token_stays() {
    let stage = Stage::set().await;
    stage.join().await;
    let entered = stage.enter(PASSWORD).await;
    let (access, refresh) = (text(&entered, "/data/token"), text(&entered, "/data/refreshToken"));
    let valid =
        stage.app.post("/api/auth/validate-token", &json!({ "token": access })).send().await;
    let expected = json!({
        "success": true,
        "message": "Token is valid",
        "data": { "userId": 1, "email": EMAIL, "role": "user" },
    });
    assert_eq!((valid.status.as_u16(), &valid.body), (200, &expected));
    let bad = stage
        .app
        .post("/api/auth/validate-token", &json!({ "token": "jwt-token-here" }))
        .send()
        .await;
    assert_eq!(refusal(&bad), refused(401, "TOKEN_ERROR", "Invalid or expired token"));

    for _ in 0..2 {
        stage.app.turn_clock(Duration::from_mins(16));
        let body = json!({ "refreshToken": refresh });
        let refreshed = stage.app.post("/api/auth/refresh-token", &body).send().await;
        let token = text(&refreshed, "/data/token");
        let expected = json!({
            "success": true, "message": "Token refreshed successfully", "data": { "token": token },
        });
        assert_eq!(refreshed.body, expected);
        assert_eq!(stage.get("/api/auth/sessions", &token).await.status, 200);
    }
    let bad = stage
        .app
        .post("/api/auth/refresh-token", &json!({ "refreshToken": "refresh-token-here" }))
        .send()
        .await;
    assert_eq!(refusal(&bad), refused(401, "TOKEN_ERROR", "Invalid or expired token"));
    assert_eq!(stage.get("/api/auth/sessions", &access).await.body["code"], "TOKEN_ERROR");
    let none = stage.app.get("/api/auth/sessions").send().await;
    assert_eq!(refusal(&none), refused(401, "AUTHENTICATION_ERROR", "Access token is required"));
}

#[tokio::test]
async fn one_s_own_calls_answer_as_the_document_prints() {
    let stage = Stage::set().await;
    stage.join().await;
    let first = stage.enter(PASSWORD).await;
    let second = text(&stage.enter(PASSWORD).await, "/data/token");
    let change = |current: &str| {
        let body = json!({ "currentPassword": current, "newPassword": NEW_PASSWORD });
        stage.app.post("/api/auth/change-password", &body).bearer(&second)
    };
    let wrong = change("OldPass123!").send().await;
    assert_eq!(
        refusal(&wrong),
        refused(401, "AUTHENTICATION_ERROR", "Current password is incorrect")
    );

    let listed = stage.get("/api/auth/sessions", &second).await;
    let rows = listed.body["data"]["sessions"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let own = rows.iter().find(|row| row["isCurrent"] == true).unwrap();
    let expected = json!({
        "sessionId": own["sessionId"], "device": "Chrome on Windows", "lastActive": seconds_text(START),
        "isCurrent": true,
    });
    assert_eq!(own, &expected);
    let path = format!("/api/auth/sessions/{}", text(&first, "/data/sessionId"));
    let ended = stage.app.call(Method::DELETE, &path).bearer(&second).send().await;
    assert_eq!(ended.body, done("Session terminated successfully"));
    let ended = stage.app.call(Method::DELETE, &path).bearer(&second).send().await;
    assert_eq!(refusal(&ended), refused(404, "NOT_FOUND", "Session not found"));

    let changed = change(PASSWORD).send().await;
    assert_eq!(changed.body, done("Password changed successfully"));
    let gone = stage.app.call(Method::POST, "/api/auth/logout").bearer(&second).send().await;
    assert_eq!(gone.body, done("Logged out successfully"));
    let third = text(&stage.enter(NEW_PASSWORD).await, "/data/token");
    let gone = stage.app.call(Method::POST, "/api/auth/logout-all").bearer(&third).send().await;
    assert_eq!(gone.body, done("Logged out from all devices successfully"));
    assert_eq!(stage.get("/api/auth/sessions", &third).await.status, 401);
}

#[tokio::test]
async fn the_root_says_what_there_is_and_the_health_call_how_it_is() {
    let stage = Stage::set().await;
    let index = stage.app.get("/").send().await;
    let expected = json!({
        "success": true,
        "message": "Authentication API Server",
        "version": "1.0.0",
        "endpoints": { "auth": "/api/auth", "admin": "/api/admin", "health": "/health" },
        "documentation": "Check README.md for API documentation",
    });
    assert_eq!((index.status.as_u16(), &index.body), (200, &expected));
    let health = stage.app.get("/health").send().await;
    let expected = json!({
        "success": true,
        "message": "Server is running",
        "timestamp": seconds_text(START),
        "environment": "development",
    });
    assert_eq!((health.status.as_u16(), &health.body), (200, &expected));
    assert_eq!(refusal(&stage.app.get("/nothing").send().await).1, "NOT_FOUND");
    assert_eq!(refusal(&stage.app.get("/api/auth/login").send().await).0, 405);
}

#[tokio::test]
async fn calls_without_a_registered_app_are_refused_on_every_wire() {
    let stage = Stage::set().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "otpCode": "123456", "newPassword": NEW_PASSWORD });
    let message = "Valid X-App-ID and X-Service-Key headers are required";
    for path in [
        "signup",
        "login",
        "verify-otp",
        "password-reset",
        "password-reset/verify-otp",
        "password-reset/confirm",
    ] {
        let bare = || stage.app.post(&format!("/api/auth/{path}"), &body);
        assert_eq!(
            refusal(&bare().send().await),
            refused(401, "AUTHENTICATION_ERROR", message),
            "{path}"
        );
        let wrong =
            bare().header("x-app-id", &stage.id).header("x-service-key", "sk_wrong").send().await;
        assert_eq!(refusal(&wrong), refused(401, "AUTHENTICATION_ERROR", message), "{path}");
        let half = bare().header("x-service-key", &stage.key).send().await;
        assert_eq!(refusal(&half).0, 401, "{path}");
    }
    for path in
        ["register", "login", "forgot-password", "reset-password", "otp/request", "otp/verify"]
    {
        assert_eq!(
            stage.app.post(&format!("/v1/auth/{path}"), &body).send().await.status,
            401,
            "{path}"
        );
    }
    let native = stage.app.post("/v1/auth/forgot-password", &json!({ "email": EMAIL }));
    let native = native.header("x-app-id", &stage.id).header("x-service-key", &stage.key);
    assert_eq!(native.send().await.status, 200);
}

#[tokio::test]
async fn a_sign_up_that_asks_for_another_role_makes_nothing() {
    let stage = Stage::set().await;
    let mut asked = example();
    asked["role"] = "admin".into();
    let refused_one = stage.post("signup", &asked).send().await;
    assert_eq!(refused_one.status, 403);
    assert_eq!(refused_one.body["code"], "AUTHORIZATION_ERROR");
    assert!(stage.app.mails().await.is_empty());
    assert_eq!(stage.sign_up().await.body["data"]["userId"], 1);
}

#[tokio::test]
async fn bad_input_is_refused_with_a_row_for_each_field() {
    let stage = Stage::set().await;
    let answer =
        stage.post("signup", &json!({ "email": "no address", "password": "short" })).send().await;
    assert_eq!(refusal(&answer).0, 400);
    let fields: Vec<_> =
        answer.body["errors"].as_array().unwrap().iter().map(|row| row["field"].clone()).collect();
    assert_eq!(fields, ["email", "password"]);
    let broken = stage.post("signup", &json!({})).body("application/json", "{").send().await;
    assert_eq!(refusal(&broken).1, "VALIDATION_ERROR");
}

#[tokio::test]
async fn limits_count_per_service_and_address_and_end_with_their_window() {
    let stage = Stage::set().await;
    stage.join().await;
    let stage = stage.as_service().await;
    for _ in 0..5 {
        assert_eq!(stage.login("WrongPass123!").await.status, 401);
    }
    let refused_one = stage.login(PASSWORD).await;
    assert_eq!(
        (refusal(&refused_one).0, refusal(&refused_one).1),
        (429, "RATE_LIMIT_ERROR".to_owned())
    );
    assert_eq!(refused_one.header("retry-after"), "900");
    let other = json!({ "email": "other@example.com", "password": PASSWORD });
    assert_eq!(stage.post("login", &other).send().await.status, 401);
    stage.app.turn_clock(Duration::from_mins(15));
    stage.enter(PASSWORD).await;

    for (path, body) in [
        ("verify-otp", json!({ "email": "other@example.com", "otpCode": "123456" })),
        ("password-reset/verify-otp", json!({ "email": "other@example.com", "otpCode": "123456" })),
        ("password-reset", json!({ "email": "other@example.com" })),
    ] {
        for _ in 0..3 {
            assert_ne!(stage.post(path, &body).send().await.status, 429, "{path}");
        }
        assert_eq!(stage.post(path, &body).send().await.status, 429, "{path}");
    }
}

#[tokio::test]
async fn the_verification_page_presses_its_own_button() {
    let stage = Stage::set().await;
    stage.sign_up().await;
    let token = token_in(&stage.app.mails().await, "verify-email?token=");
    let page = stage.app.get(&format!("/verify-email?token={token}")).send().await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("<script src=\"/verify-email/post.js\" defer></script>"),
        "{}",
        page.text
    );
    assert!(page.text.contains("<button>Verify email address</button>"));
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let script = stage.app.get("/verify-email/post.js").send().await;
    assert_eq!(
        (script.status.as_u16(), script.header("content-type")),
        (200, "text/javascript; charset=utf-8")
    );
    let form =
        stage.app.call(Method::POST, "/verify-email").header("sec-fetch-site", "same-origin");
    let posted =
        form.body("application/x-www-form-urlencoded", format!("token={token}")).send().await;
    assert!(posted.text.contains("Email address verified"), "{}", posted.text);
    assert_eq!(stage.login(PASSWORD).await.status, 200);
    let other = stage.app.get("/reset-password?token=nothing").send().await;
    assert!(!other.text.contains("<script"));
}

#[tokio::test]
async fn an_account_with_an_authenticator_is_asked_for_its_code_and_gets_no_letter() {
    let stage = Stage::set().await;
    stage.join().await;
    let token = text(&stage.enter(PASSWORD).await, "/data/token");
    let setup = stage
        .app
        .post("/v1/auth/mfa/setup", &json!({ "type": "totp" }))
        .bearer(&token)
        .send()
        .await;
    let backup = text(&setup, "/data/backupCodes/0");
    let secret = totp_rs::Secret::try_from_base32(text(&setup, "/data/secret")).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let code =
        || totp.generate(u64::try_from(stage.app.core.env.wall().seconds()).unwrap()).to_string();
    let confirm = stage.app.post("/v1/auth/mfa/verify", &json!({ "code": code() })).bearer(&token);
    let confirm =
        confirm.header("x-app-id", &stage.id).header("x-service-key", &stage.key).send().await;
    assert_eq!(confirm.status, 200, "{}", confirm.text);
    stage.app.mails().await;

    let show =
        |code: &str| stage.post("verify-otp", &json!({ "email": EMAIL, "otpCode": code })).send();
    for backup in [None, Some(backup)] {
        stage.app.turn_clock(Duration::from_mins(11));
        let begun = stage.login(PASSWORD).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        assert!(stage.app.mails().await.is_empty(), "no letter");
        assert_eq!(
            refusal(&show("000000").await),
            refused(400, "OTP_ERROR", "Invalid or expired OTP")
        );
        let entered = show(&backup.unwrap_or_else(code)).await;
        assert_eq!(entered.status, 200, "{}", entered.text);
    }
}
