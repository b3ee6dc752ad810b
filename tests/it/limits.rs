//! Each call has its own limit: using up one leaves the others untouched.

use poem::http::Method;
use serde_json::{Value, json};

use crate::admin::staff;
use crate::support::app_with;

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
