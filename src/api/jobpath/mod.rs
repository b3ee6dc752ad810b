//! The jobpath wire: `/auth/…`, one token that is not refreshed, a logout that ends it.
//!
//! `types` says what is read and written, `error` how refusals are spelled, `document` what the OpenAPI document adds.

mod auth;
mod document;
mod error;
mod types;

use std::sync::Arc;

use poem_openapi::{OpenApiService, Tags};

use super::{Mounted, operations};
use crate::config::Config;
use crate::http::schema::Schemas;

pub use error::Jobpath;

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, logging out.
    Authentication,
}

/// The wire as the program mounts it.
#[must_use]
pub fn mounted(config: &Config) -> Mounted {
    Mounted {
        wire: Arc::new(Jobpath),
        document: document::document(config),
        mounts: &[""],
        uncounted: &[],
        endpoint: |core| {
            let service = OpenApiService::new(auth::Auth(core.clone()), "jobpath", env!("CARGO_PKG_VERSION"));
            operations(service, Schemas::of::<auth::Auth>(), core)
        },
    }
}
