//! The native API, served under `/v1` and `/api/v1` with every profile.
//!
//! Each resource has one file with its operations. `types` defines requests and responses, `error`
//! maps errors to responses, and `document` adds what the OpenAPI document cannot derive from the
//! operations.

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
mod passkeys;
mod payload;
mod providers;
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
pub use view::export_file;

/// Where the native API is mounted. Documents and links use the first prefix.
pub const MOUNTS: [&str; 2] = ["/v1", "/api/v1"];

/// The document of the operations for administrators, beside that of all others.
pub const ADMIN_DOCUMENT: &str = "v1-admin";

/// Whether a path is in the document for administrators.
#[must_use]
pub fn is_admin_path(path: &str) -> bool {
    path.starts_with("/admin/")
}

/// The groups of operations in the OpenAPI document.
#[derive(Tags)]
enum V1Tag {
    /// Sign-up, login, token refresh and logout.
    Authentication,
    /// Verification of email addresses.
    #[oai(rename = "Email verification")]
    EmailVerification,
    /// Password reset and password change.
    Password,
    /// Second factors.
    #[oai(rename = "Multi-factor authentication")]
    Mfa,
    /// Passkeys and security keys.
    Passkeys,
    /// Logins with accounts at other services.
    Providers,
    /// The caller's account.
    #[oai(rename = "User management")]
    UserManagement,
    /// The caller's sessions and security records.
    #[oai(rename = "Session management")]
    SessionManagement,
    /// Administration.
    Admin,
    /// Uploaded files and their quota.
    Files,
    /// Calls for other services.
    Services,
    /// Status of the service.
    Health,
}

type V1Api = (
    auth::AuthApi,
    email::EmailVerification,
    users::UsersApi,
    (recovery::Recovery, reset_code::ResetCode),
    (mfa::Mfa, passkeys::PasskeysApi, providers::ProvidersApi),
    files::FilesApi,
    service::ServiceApi,
    sessions::SessionsApi,
    admin::AdminApi,
    health::HealthApi,
);

fn api(core: &Arc<Core>) -> V1Api {
    (
        auth::AuthApi { core: core.clone() },
        email::EmailVerification { core: core.clone() },
        users::UsersApi { core: core.clone() },
        (recovery::Recovery { core: core.clone() }, reset_code::ResetCode { core: core.clone() }),
        (
            mfa::Mfa { core: core.clone() },
            passkeys::PasskeysApi { core: core.clone() },
            providers::ProvidersApi { core: core.clone() },
        ),
        files::FilesApi { core: core.clone() },
        service::ServiceApi { core: core.clone() },
        sessions::SessionsApi { core: core.clone() },
        admin::api(core),
        health::HealthApi { core: core.clone() },
    )
}

/// Paths that are exempt from rate limits.
const UNCOUNTED: [&str; 1] = ["/health"];

/// The native API as the server mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(V1),
        document,
        operations: V1Api::meta,
        mounts: &MOUNTS,
        uncounted: &UNCOUNTED,
        needs: &[],
        add: |routes, core| routes.with_operations(api(core), &MOUNTS, core),
    }
}
