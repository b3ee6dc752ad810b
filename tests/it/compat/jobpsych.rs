//! The operations of the jobpsych wire.

mod api_auth_change_password_post;
mod api_auth_increment_upload_post;
mod api_auth_jwt_info_get;
mod api_auth_login_post;
mod api_auth_logout_post;
mod api_auth_profile_get;
mod api_auth_refresh_post;
mod api_auth_register_post;
mod api_auth_reset_password_post;
mod api_auth_upload_stats_get;
mod api_auth_user_uploads_email_get;
mod api_auth_verify_token_post;
mod api_files_get;
mod api_files_id_delete;
mod api_files_id_get;
mod api_files_stats_get;
mod api_files_upload_post;
mod health_get;
mod root_get;

use serde_json::{Value, json};

use super::{LOOPBACK, Session, WireApp, WireCall};
use crate::support::Answer;

const FORBIDDEN: (u16, &str) = (403, "FORBIDDEN");
const DEAD_TOKEN: (u16, &str, &str) =
    (401, "TOKEN_VERIFICATION_FAILED", "Invalid or expired token");

/// The wire without limits.
async fn jobpsych() -> WireApp {
    WireApp::without_limits("jobpsych").await
}

/// The wire with the limits of its profile, and some keys set.
async fn jobpsych_with(keys: &[(&str, &str)]) -> WireApp {
    WireApp::with("jobpsych", keys).await
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

/// Status and code of a refusal.
fn code<'a>(wire: &WireApp, answer: &'a Answer) -> (u16, &'a str) {
    let (status, code, _) = wire.refusal(answer);
    (status, code)
}

/// A refusal of every caller of a service call that is neither on the service's network nor has a
/// service's key.
async fn is_for_services_alone<'a>(wire: &'a WireApp, call: &dyn Fn() -> WireCall<'a>) {
    let (_, client) = wire.app.api_client("web", "client").await;
    let session = wire.join_and_enter("caller@example.com").await;
    for refused in [
        call(),
        call().bearer(&session.access),
        call().header("x-service-key", "sk_guessed"),
        call().header("x-service-key", &client),
        call().from(LOOPBACK).header("x-forwarded-for", "203.0.113.7"),
        call().from(LOOPBACK).without("host").header("host", "evil.example"),
    ] {
        assert_eq!(code(wire, &refused.send().await), FORBIDDEN);
    }
    let (_, service) = wire.app.api_client("parser", "service").await;
    assert_ne!(call().header("x-service-key", &service).send().await.status, 403);
    assert_ne!(call().from(LOOPBACK).send().await.status, 403);
}

/// An upload of this content under this name.
fn upload<'a>(wire: &'a WireApp, session: &Session, name: &str, content: &[u8]) -> WireCall<'a> {
    let head = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    );
    let body = [head.as_bytes(), content, b"\r\n--x--\r\n"].concat();
    wire.post("/api/files/upload")
        .body("multipart/form-data; boundary=x", body)
        .bearer(&session.access)
}

const PDF: &[u8] = b"%PDF-1.7 hello";

/// Uploads a PDF; returns its id.
async fn uploaded(wire: &WireApp, session: &Session, name: &str) -> String {
    let answer = upload(wire, session, name, PDF).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    super::text(&answer, "/file/id")
}
