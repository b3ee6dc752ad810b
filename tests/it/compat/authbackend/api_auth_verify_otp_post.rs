//! `POST /api/auth/verify-otp`: completes a login with its code.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use crate::compat::{EMAIL, MINUTE, PASSWORD, WireApp, WireCall, names};

use super::{
    BAD_CODE, authbackend, authbackend_with, is_alive, needs_an_api_client, reset_code, wrong,
};

const PATH: &str = "/api/auth/verify-otp";

fn show<'a>(wire: &'a WireApp, email: &str, code: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "email": email, "otpCode": code }))
}

/// Begins a login of the account, which exists; returns the mailed code.
async fn begun(wire: &WireApp) -> String {
    assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 200);
    wire.mailed_code().await
}

#[tokio::test]
async fn it_needs_an_api_client() {
    let wire = authbackend().await;
    needs_an_api_client(&wire, &|| show(&wire, EMAIL, "123456")).await;
}

#[tokio::test]
async fn each_field_is_checked_by_its_rule() {
    let wire = authbackend().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!(7), "Email must be a string"),
        ("email", json!("user"), "Email must be a valid email address"),
        ("otpCode", Value::Null, "Otp code is required"),
        ("otpCode", json!(""), "Otp code is required"),
        ("otpCode", json!(123_456), "Otp code must be a string"),
    ];
    wire.refuses_fields(&|| wire.post(PATH), &json!({ "email": EMAIL, "otpCode": "123456" }), &bad)
        .await;
}

#[tokio::test]
async fn the_response_has_the_session_and_its_account() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = begun(&wire).await;
    let (answer, recorded) = wire.recorded(show(&wire, "USER@example.com", &code)).await;
    assert_eq!(names(&answer.body), ["success", "message", "data"]);
    assert_eq!(names(&answer.body["data"]), ["token", "refreshToken", "user", "sessionId"]);
    assert_eq!(answer.body["data"]["user"], json!({ "id": 1, "email": EMAIL, "role": "user" }));
    assert!(answer.cookie().is_none());
    assert_eq!(recorded, ["factor_shown done email", "login done"]);
}

#[tokio::test]
async fn a_code_without_a_login_is_answered_like_a_wrong_one() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let none = show(&wire, EMAIL, "123456").send().await;
    assert_eq!(wire.refusal(&none), BAD_CODE);
    let unknown = show(&wire, "nobody@example.com", "123456").send().await;
    assert_eq!(unknown.text, none.text);
    let code = begun(&wire).await;
    assert_eq!(show(&wire, EMAIL, wrong(&code)).send().await.text, none.text);
}

#[tokio::test]
async fn a_code_works_once_and_for_ten_minutes() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = begun(&wire).await;
    wire.app.turn_clock(10 * MINUTE);
    assert_eq!(wire.refusal(&show(&wire, EMAIL, &code).send().await), BAD_CODE, "expired");
    let code = begun(&wire).await;
    wire.app.turn_clock(Duration::from_secs(599));
    assert_eq!(show(&wire, EMAIL, &code).send().await.status, 200);
    assert_eq!(wire.refusal(&show(&wire, EMAIL, &code).send().await), BAD_CODE, "used");
}

#[tokio::test]
async fn the_code_of_a_later_login_replaces_the_one_before() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let (first, second) = (begun(&wire).await, begun(&wire).await);
    if first != second {
        assert_eq!(wire.refusal(&show(&wire, EMAIL, &first).send().await), BAD_CODE);
    }
    assert_eq!(show(&wire, EMAIL, &second).send().await.status, 200);
}

#[tokio::test]
async fn a_reset_code_completes_no_login() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let login = begun(&wire).await;
    let reset = reset_code(&wire).await;
    if login != reset {
        assert_eq!(wire.refusal(&show(&wire, EMAIL, &reset).send().await), BAD_CODE);
    }
    assert_eq!(show(&wire, EMAIL, &login).send().await.status, 200);
}

#[tokio::test]
async fn another_account_s_code_completes_no_login() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    wire.join("other@example.com").await;
    let code = begun(&wire).await;
    assert_eq!(wire.login("other@example.com", PASSWORD).send().await.status, 200);
    if wire.mailed_code().await != code {
        assert_eq!(wire.refusal(&show(&wire, "other@example.com", &code).send().await), BAD_CODE);
    }
}

#[tokio::test]
async fn a_wrong_code_is_recorded() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = begun(&wire).await;
    assert_eq!(
        wire.recorded(show(&wire, EMAIL, wrong(&code))).await.1,
        ["factor_shown refused wrong_code"]
    );
    let (_, recorded) = wire.recorded(show(&wire, "nobody@example.com", "123456")).await;
    assert_eq!(recorded, ["factor_shown refused no_login"]);
}

#[tokio::test]
async fn five_wrong_codes_are_allowed_even_without_a_limit_on_calls() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let code = begun(&wire).await;
    for _ in 0..5 {
        assert_eq!(wire.refusal(&show(&wire, EMAIL, wrong(&code)).send().await), BAD_CODE);
    }
    let call = |_| show(&wire, EMAIL, &code);
    wire.is_refused(
        &call(0).send().await,
        600,
        "Too many verification attempts. Try again in 10 minutes.",
    );
}

#[tokio::test]
async fn a_backup_code_works_once() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let authenticator = wire.add_authenticator(EMAIL).await;
    wire.app.turn_clock(MINUTE);
    for expected in [200, 400] {
        assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, 200);
        let answer = show(&wire, EMAIL, &authenticator.backup_code).send().await;
        assert_eq!(answer.status, expected, "{}", answer.text);
    }
    let entered = show(&wire, EMAIL, &authenticator.code(&wire.app)).send().await;
    assert!(is_alive(&wire, &crate::compat::session_of(&entered).access).await);
    assert!(wire.app.mails().await.iter().all(|letter| !letter.subject.starts_with("Your code")));
}

#[tokio::test]
async fn three_calls_for_an_address_in_ten_minutes_are_allowed() {
    let wire = authbackend_with(&[]).await;
    let call = |_| show(&wire, EMAIL, "123456");
    wire.is_limited(&call, 3, 600, "Too many verification attempts. Try again in 10 minutes.")
        .await;
}

#[tokio::test]
async fn its_limit_leaves_other_addresses_and_other_operations_alone() {
    let wire = authbackend_with(&[]).await;
    let call = |_| show(&wire, EMAIL, "123456");
    wire.has_its_own_limit(Method::POST, PATH, &call, 3).await;
    assert_eq!(show(&wire, EMAIL, "123456").from("192.0.2.9").send().await.status, 429);
    assert_eq!(wire.refusal(&show(&wire, "other@example.com", "123456").send().await), BAD_CODE);
}
