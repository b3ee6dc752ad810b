//! The jobpath wire: `/auth/…`, one token that is not refreshed, a logout that ends it.
//!
//! `types` says what is read and written, `error` how refusals are spelled, `document` what the OpenAPI document adds.

mod auth;
mod document;
mod error;
mod types;

use std::sync::Arc;

use poem_openapi::{OpenApi, Tags};

use super::Mounted;

pub use error::Jobpath;

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, logging out.
    Authentication,
}

/// The wire as the program mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(Jobpath),
        document: document::document,
        operations: auth::Auth::meta,
        mounts: &[""],
        uncounted: &[],
        add: |routes, core| routes.with_operations(auth::Auth(core.clone()), &[""], core),
    }
}
