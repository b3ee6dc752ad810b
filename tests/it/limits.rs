//! Each call has its own limit: using up one leaves the others untouched. Who gets the higher general
//! limit, and what ends the waits after wrong passwords.

use authd::identity::By;
use authd::identity::admin::accounts;
use poem::http::Method;
use serde_json::{Value, json};

use crate::admin::staff;
use crate::support::{App, PASSWORD, UNLIMITED, app, app_with, token_in};

/// The hourly limits of one call.
const NARROW: [(&str, &str); 22] = [
    ("password.reset_by_code", "true"),
    ("login.passwordless", "true"),
    ("limits.sign_in", "off"),
    ("throttle.enabled", "false"),
    ("limits.resend.count", "1"),
    ("limits.resend.window", "1h"),
    ("limits.resend.shape", "window"),
    ("limits.verify_email.count", "1"),
    ("limits.verify_email.window", "1h"),
    ("limits.verify_email.shape", "window"),
    ("limits.forgot.count", "1"),
    ("limits.forgot.window", "1h"),
    ("limits.forgot.shape", "window"),
    ("limits.reset.count", "1"),
    ("limits.reset.window", "1h"),
    ("limits.reset.shape", "window"),
    ("limits.factor.count", "1"),
    ("limits.factor.window", "1h"),
    ("limits.factor.shape", "window"),
    ("limits.code.count", "1"),
    ("limits.code.window", "1h"),
    ("limits.code.shape", "window"),
];

#[tokio::test]
async fn no_call_uses_up_what_another_has() {
    let app = app_with("standard", &NARROW).await;
    let (_, access) = staff(&app, "ada", &[]).await;
    let email = json!({ "email": "ada@example.com" });
    let token = json!({ "token": "nothing" });
    let code = json!({ "email": "ada@example.com", "code": "000000" });
    let with = |body: &Value, more: Value| {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let new = json!({ "newPassword": "another long passphrase" });
    let calls = [
        ("POST", "resend-verification", email.clone()),
        ("POST", "verify-email", token.clone()),
        ("POST", "verify-email/disown", token.clone()),
        ("POST", "confirm-email", token.clone()),
        ("POST", "undo-email", token.clone()),
        ("POST", "forgot-password", email.clone()),
        ("POST", "reset-password", with(&token, new.clone())),
        ("POST", "reset-code/request", email.clone()),
        ("POST", "reset-code/verify", code.clone()),
        ("POST", "reset-code/confirm", with(&code, new.clone())),
        ("POST", "otp/request", email),
        ("POST", "otp/verify", code),
        ("POST", "mfa/verify", json!({ "code": "000000" })),
        ("POST", "mfa/challenge", json!({})),
        ("POST", "reauthenticate", json!({ "password": "wrong" })),
        ("PUT", "change-password", with(&json!({ "currentPassword": "wrong" }), new)),
    ];
    let call = |(method, path, body): &(&str, &str, Value)| {
        let method: Method = method.parse().unwrap();
        app.call(method, &format!("/v1/auth/{path}")).json(body).bearer(&access).send()
    };
    for one in &calls {
        let first = call(one).await;
        assert_ne!(first.status, 429, "{}: {}", one.1, first.text);
        assert_eq!(first.header("x-ratelimit-limit"), "1", "{}", one.1);
    }
    for one in &calls {
        assert_eq!(call(one).await.status, 429, "{}", one.1);
    }
}

#[tokio::test]
async fn no_page_uses_up_what_another_has() {
    let app = app_with("standard", &NARROW).await;
    let post = |path: &str, body: &str| {
        let call = app.call(Method::POST, path).header("sec-fetch-site", "same-origin");
        call.body("application/x-www-form-urlencoded", body.to_owned()).send()
    };
    let pages = [
        ("/verify-email", "token=nothing"),
        ("/verify-email/disown", "token=nothing"),
        ("/open-login", "token=nothing"),
        ("/confirm-email", "token=nothing"),
        ("/undo-email", "token=nothing"),
        ("/not-me", "token=nothing"),
        ("/reset-password", "token=nothing&newPassword=another+long+passphrase"),
        ("/resend-verification", "email=ada%40example.com"),
        ("/forgot-password", "email=ada%40example.com"),
    ];
    for (path, body) in pages {
        assert_ne!(post(path, body).await.status, 429, "{path}");
    }
    for (path, body) in pages {
        assert_eq!(
            post(&format!("/v1{path}"), body).await.status,
            429,
            "{path}: every mount counts together"
        );
    }
}

/// Sends ten wrong passwords; the next login has to wait.
async fn wait_for(app: &App, password: &str) {
    for _ in 0..10 {
        assert_eq!(app.login("ada", "Wrong-password-1").await.status, 401);
    }
    assert_eq!(app.login("ada", password).await.status, 429);
}

#[tokio::test]
async fn a_reset_and_an_unlock_end_the_waits_after_wrong_passwords() {
    let new = "another long passphrase";
    let app = app_with("standard", &UNLIMITED).await;
    app.join("ada").await;
    wait_for(&app, PASSWORD).await;
    let email = json!({ "email": "ada@example.com" });
    app.post("/v1/auth/forgot-password", &email).ok(200).await;
    let token = token_in(&app.mails().await, "reset-password?token=");
    let reset = json!({ "token": token, "newPassword": new });
    app.post("/v1/auth/reset-password", &reset).ok(200).await;
    assert_eq!(app.login("ada", new).await.status, 200, "after a reset");

    wait_for(&app, new).await;
    accounts::reinstate(&app.core, &By::command_line(), "ada@example.com").await.unwrap();
    assert_eq!(app.login("ada", new).await.status, 200, "after `authd user unlock`");

    let (_, admin) = staff(&app, "root", &["admin"]).await;
    wait_for(&app, new).await;
    let found = app.get("/v1/admin/users?search=ada").bearer(&admin).ok(200).await;
    let id = found.body["data"]["users"][0]["id"].as_str().map(str::to_owned);
    let id = id.unwrap_or_else(|| panic!("{}", found.text));
    let path = format!("/v1/admin/users/{id}/unlock");
    app.call(Method::POST, &path).bearer(&admin).ok(200).await;
    assert_eq!(app.login("ada", new).await.status, 200, "after an administrator's unlock");
    wait_for(&app, new).await;
}

#[tokio::test]
async fn a_token_widens_the_general_limit_of_calls_that_need_one_and_of_no_others() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let limit = async |method: Method, path: &str| {
        let answer = app.call(method, path).json(&json!({})).bearer(&access).send().await;
        answer.header("x-ratelimit-limit").to_owned()
    };
    for (method, path) in [
        (Method::GET, "/v1/users/me"),
        (Method::HEAD, "/v1/users/me"),
        (Method::GET, "/api/v1/users/me/sessions"),
        (Method::DELETE, "/v1/users/me/sessions/nothing"),
        (Method::GET, "/v1/admin/users/nothing"),
    ] {
        assert_eq!(limit(method, path).await, "6000", "{path}");
    }
    for (method, path) in [
        (Method::POST, "/v1/auth/login"),
        (Method::POST, "/v1/auth/register"),
        (Method::POST, "/v1/auth/refresh"),
        (Method::POST, "/v1/auth/logout"),
        (Method::GET, "/v1/nothing"),
        (Method::POST, "/v1/users/me"),
    ] {
        assert_ne!(limit(method, path).await, "6000", "{path}");
    }
}

#[tokio::test]
async fn what_is_below_a_page_and_no_page_is_counted() {
    let app = app_with("standard", &[("limits.general.count", "2")]).await;
    let below = ["/sign-in/nothing", "/account/nothing", "/docs/nothing", "/v1/health/nothing"];
    for (number, below) in below.into_iter().enumerate() {
        let from = format!("203.0.113.{number}");
        for expected in [404, 404, 429] {
            let answer = app.get(below).from(&from).send().await;
            assert_eq!(answer.status, expected, "{below}");
        }
    }
}
