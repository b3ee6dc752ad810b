//! The native API, served under `/v1` and `/api/v1` whatever the profile.
//!
//! One file per resource with its operations; `types` says what is read and written, `error` how refusals are spelled,
//! `document` what the OpenAPI document adds to what the operations show by themselves.

mod admin;
mod auth;
mod document;
mod email;
mod error;
mod examples;
mod files;
#[cfg(test)]
mod fixture;
mod health;
mod mfa;
mod payload;
mod recovery;
mod reset_code;
mod service;
mod sessions;
mod types;
mod users;
mod view;

use std::sync::Arc;

use poem_openapi::{OpenApi, Tags};

use super::Mounted;
use crate::identity::Core;

pub use document::document;
pub use error::V1;

/// Where the native API is mounted; the first is the one that documents and links name.
pub const MOUNTS: [&str; 2] = ["/v1", "/api/v1"];

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, staying logged in, logging out.
    Authentication,
    /// Proving an address.
    #[oai(rename = "Email verification")]
    EmailVerification,
    /// Passwords forgotten and changed.
    Password,
    /// Second factors.
    #[oai(rename = "Multi-factor authentication")]
    Mfa,
    /// One's own account.
    #[oai(rename = "User management")]
    UserManagement,
    /// One's own sessions and records.
    #[oai(rename = "Session management")]
    SessionManagement,
    /// What administrators do.
    Admin,
    /// Uploaded files and their quota.
    Files,
    /// What other services ask.
    Services,
    /// How the service is.
    Health,
}

type Api = (
    auth::Auth,
    email::EmailVerification,
    users::Users,
    (recovery::Recovery, reset_code::ResetCode),
    mfa::Mfa,
    files::Files,
    service::Services,
    sessions::Sessions,
    admin::Api,
    health::Health,
);

fn api(core: &Arc<Core>) -> Api {
    (
        auth::Auth(core.clone()),
        email::EmailVerification(core.clone()),
        users::Users(core.clone()),
        (recovery::Recovery(core.clone()), reset_code::ResetCode(core.clone())),
        mfa::Mfa(core.clone()),
        files::Files(core.clone()),
        service::Services(core.clone()),
        sessions::Sessions(core.clone()),
        admin::api(core),
        health::Health(core.clone()),
    )
}

/// Paths that no limit counts.
const UNCOUNTED: [&str; 2] = ["/v1/health", "/api/v1/health"];

/// The native API as the program mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(V1),
        document,
        operations: Api::meta,
        mounts: &MOUNTS,
        uncounted: &UNCOUNTED,
        add: |routes, core| routes.with_operations(api(core), &MOUNTS, core),
    }
}
