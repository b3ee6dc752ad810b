//! The authbackend wire: `/api/auth/…` and `/api/admin/…`, with an emailed code at every login, a
//! password reset in three steps, API clients with keys, and statistics for administrators.
//!
//! `types` defines requests and responses, `error` maps errors to responses, and `document`
//! completes the OpenAPI document.

mod account;
mod admin;
mod auth;
mod document;
mod error;
mod payload;
mod system;
mod types;
mod view;

use std::sync::Arc;

use poem_openapi::{OpenApi, Tags};

use crate::api::Mounted;
use crate::api::needs::WireNeed;

pub use crate::api::compat::authbackend::error::Authbackend;

/// The groups of operations in the OpenAPI document.
#[derive(Tags)]
enum AuthbackendTag {
    /// Sign-up, login, token refresh and password reset.
    Authentication,
    /// The caller's password and sessions.
    Account,
    /// Other accounts, and statistics.
    Admin,
    /// API index and health check.
    System,
}

type AuthbackendApi = (
    auth::AuthbackendAuthApi,
    account::AuthbackendOwnAccountApi,
    admin::AuthbackendAdminApi,
    system::AuthbackendSystemApi,
);

/// Paths that are exempt from rate limits.
const UNCOUNTED: [&str; 1] = ["/health"];

/// The wire as the server mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(Authbackend),
        document: document::document,
        operations: AuthbackendApi::meta,
        mounts: &[""],
        uncounted: &UNCOUNTED,
        needs: &[WireNeed::LoginCode, WireNeed::AccountNumber],
        add: |routes, core| {
            let api = (
                auth::AuthbackendAuthApi { core: core.clone() },
                account::AuthbackendOwnAccountApi { core: core.clone() },
                admin::AuthbackendAdminApi { core: core.clone() },
                system::AuthbackendSystemApi { core: core.clone() },
            );
            routes.with_operations(api, &[""], core)
        },
    }
}
