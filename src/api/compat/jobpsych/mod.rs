//! The jobpsych wire: `/api/auth/…` and `/api/files/…`. The refresh token is in a cookie. A second
//! service queries the upload quota and shares a secret with the server.
//!
//! `types` defines requests and responses, `error` maps errors to responses, and `document`
//! completes the OpenAPI document.

mod account;
mod auth;
mod document;
mod error;
mod files;
mod payload;
mod service;
mod system;
mod types;
mod view;

use std::sync::Arc;

use poem_openapi::{OpenApi, Tags};

use crate::api::Mounted;
use crate::api::needs::WireNeed;
use crate::config::Config;

pub use crate::api::compat::jobpsych::error::Jobpsych;

/// The groups of operations in the OpenAPI document.
#[derive(Tags)]
enum JobpsychTag {
    /// Sign-up, login, token refresh and logout.
    Authentication,
    /// The upload quota, for its owner and for a second service.
    #[oai(rename = "Upload quota")]
    Quota,
    /// Token verification, for a second service.
    #[oai(rename = "Token verification")]
    Tokens,
    /// Uploaded files.
    Files,
    /// API index and health check.
    System,
}

type JobpsychApi = (
    auth::JobpsychAuthApi,
    account::JobpsychOwnAccountApi,
    service::JobpsychServiceApi,
    files::JobpsychFilesApi,
    system::JobpsychSystemApi,
);

/// Paths that are exempt from rate limits.
const UNCOUNTED: [&str; 1] = ["/health"];

/// The wire as the server mounts it.
#[must_use]
pub fn mounted(config: &Config) -> Mounted {
    Mounted {
        wire: Arc::new(Jobpsych::under(config)),
        document: document::document,
        operations: JobpsychApi::meta,
        mounts: &[""],
        uncounted: &UNCOUNTED,
        needs: &[WireNeed::SessionAtSignUp, WireNeed::NoAppHeaders, WireNeed::ServiceCalls],
        add: |routes, core| {
            let api = (
                auth::JobpsychAuthApi { core: core.clone() },
                account::JobpsychOwnAccountApi { core: core.clone() },
                service::JobpsychServiceApi { core: core.clone() },
                files::JobpsychFilesApi { core: core.clone() },
                system::JobpsychSystemApi { core: core.clone() },
            );
            routes.with_operations(api, &[""], core)
        },
    }
}
