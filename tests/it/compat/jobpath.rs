//! The operations of the jobpath wire.

mod auth_login_post;
mod auth_logout_post;
mod auth_me_get;
mod auth_signup_post;

use super::WireApp;

/// The wire without limits.
async fn jobpath() -> WireApp {
    WireApp::without_limits("jobpath").await
}

/// The wire with the limits of its profile, and some keys set.
async fn jobpath_with(keys: &[(&str, &str)]) -> WireApp {
    WireApp::with("jobpath", keys).await
}
