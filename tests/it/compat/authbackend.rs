//! The operations of the authbackend wire.

mod api_admin_analytics_logins_get;
mod api_admin_stats_get;
mod api_admin_users_get;
mod api_admin_users_user_id_delete;
mod api_admin_users_user_id_get;
mod api_admin_users_user_id_lock_put;
mod api_admin_users_user_id_role_put;
mod api_auth_change_password_post;
mod api_auth_login_post;
mod api_auth_logout_all_post;
mod api_auth_logout_post;
mod api_auth_password_reset_confirm_post;
mod api_auth_password_reset_post;
mod api_auth_password_reset_verify_otp_post;
mod api_auth_refresh_token_post;
mod api_auth_sessions_get;
mod api_auth_sessions_session_id_delete;
mod api_auth_signup_post;
mod api_auth_validate_token_post;
mod api_auth_verify_email_post;
mod api_auth_verify_otp_post;
mod health_get;
mod root_get;

use serde_json::{Value, json};

use super::{EMAIL, Session, WireApp, WireCall};

const BAD_CODE: (u16, &str, &str) = (400, "OTP_ERROR", "Invalid or expired OTP");
const BAD_TOKEN: (u16, &str, &str) = (401, "TOKEN_ERROR", "Invalid or expired token");
const NOT_ALLOWED: (u16, &str, &str) = (403, "AUTHORIZATION_ERROR", "Insufficient permissions");
const NO_USER: (u16, &str, &str) = (404, "NOT_FOUND", "User not found");
const LAST_ADMIN: (u16, &str, &str) =
    (403, "AUTHORIZATION_ERROR", "This is the last admin; add another admin first");

/// The wire without limits.
async fn authbackend() -> WireApp {
    WireApp::without_limits("authbackend").await
}

/// The wire with the limits of its document, and some keys set.
async fn authbackend_with(keys: &[(&str, &str)]) -> WireApp {
    WireApp::with("authbackend", keys).await
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

/// Refuses calls without the id and the key of one API client.
async fn needs_an_api_client<'a>(wire: &'a WireApp, call: &dyn Fn() -> WireCall<'a>) {
    let (other, other_key) = wire.app.api_client("other", "client").await;
    let bare = || call().without("x-app-id").without("x-service-key");
    let expected =
        (401, "AUTHENTICATION_ERROR", "Valid X-App-ID and X-Service-Key headers are required");
    for refused in [
        bare(),
        call().without("x-app-id"),
        call().without("x-service-key"),
        call().without("x-service-key").header("x-service-key", "sk_guessed"),
        call().without("x-service-key").header("x-service-key", &other_key),
        call().header("x-app-id", &other),
    ] {
        let answer = refused.send().await;
        assert_eq!(wire.refusal(&answer), expected);
        assert!(answer.header("www-authenticate").is_empty());
    }
    assert_ne!(
        bare().header("x-app-id", &other).header("x-service-key", &other_key).send().await.status,
        401
    );
}

/// Refuses callers without an administrator's role, and records each.
async fn needs_permission<'a>(
    wire: &'a WireApp,
    call: &dyn Fn() -> WireCall<'a>,
    permission: &str,
) {
    let session = wire.join_and_enter("user1@example.com").await;
    let (answer, recorded) = wire.recorded(call().bearer(&session.access)).await;
    assert_eq!(wire.refusal(&answer), NOT_ALLOWED);
    assert_eq!(recorded, [format!("admin_refused refused {permission}")]);
}

/// The number of the account with this address.
async fn number(wire: &WireApp, email: &str) -> i64 {
    let listed = wire.get("/api/admin/users").bearer(wire.root().await).send().await;
    let users = listed.body["data"]["users"].as_array().unwrap();
    users.iter().find(|user| user["email"] == email).unwrap()["id"].as_i64().unwrap()
}

/// Gives an account this role alone, and logs it in.
async fn enter_as(wire: &WireApp, email: &str, role: &str) -> Session {
    wire.join(email).await;
    let path = format!("/api/admin/users/{}/role", number(wire, email).await);
    let set = wire.put(&path).bearer(wire.root().await).json(&json!({ "role": role })).send().await;
    assert_eq!(set.status, 200, "{}", set.text);
    wire.enter(email).await
}

/// Whether an access token still works.
async fn is_alive(wire: &WireApp, access: &str) -> bool {
    wire.get("/api/auth/sessions").bearer(access).send().await.status == 200
}

/// A code that is not this one.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// Requests a reset code for the usual account, which exists; returns it.
async fn reset_code(wire: &WireApp) -> String {
    let asked = wire.post("/api/auth/password-reset").json(&json!({ "email": EMAIL })).send().await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    wire.mailed_code().await
}
