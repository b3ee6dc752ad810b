//! The operations of the siteworks wire.

mod api_auth_change_password_put;
mod api_auth_login_post;
mod api_auth_logout_all_post;
mod api_auth_logout_post;
mod api_auth_profile_get;
mod api_auth_profile_put;
mod api_auth_refresh_post;
mod api_auth_register_post;

use serde_json::{Value, json};

use super::WireApp;

/// The wire without limits.
async fn siteworks() -> WireApp {
    WireApp::without_limits("siteworks").await
}

/// The wire with the limits of its document, and some keys set.
async fn siteworks_with(keys: &[(&str, &str)]) -> WireApp {
    WireApp::with("siteworks", keys).await
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}
