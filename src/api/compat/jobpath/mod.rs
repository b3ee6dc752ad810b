//! The jobpath wire: `/auth/…`, with one token that cannot be refreshed and a logout that revokes
//! it.
//!
//! `types` defines requests and responses, `error` maps errors to responses, and `document`
//! completes the OpenAPI document.

mod auth;
mod document;
mod error;
mod types;

use std::sync::Arc;

use poem_openapi::{OpenApi, Tags};

use crate::api::Mounted;
use crate::api::needs::WireNeed;

pub use crate::api::compat::jobpath::error::Jobpath;

/// The groups of operations in the OpenAPI document.
#[derive(Tags)]
enum JobpathTag {
    /// Sign-up, login and logout.
    Authentication,
}

/// The wire as the server mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(Jobpath),
        document: document::document,
        operations: auth::JobpathAuthApi::meta,
        mounts: &[""],
        uncounted: &[],
        needs: &[WireNeed::NoAppHeaders],
        add: |routes, core| {
            routes.with_operations(auth::JobpathAuthApi { core: core.clone() }, &[""], core)
        },
    }
}
