//! The siteworks wire: `/api/auth/…`, a pair of tokens in the body, logout everywhere, a profile.
//!
//! `types` says what is read and written, `error` how refusals are spelled, `document` what the OpenAPI document adds.

mod account;
mod auth;
mod document;
mod error;
mod payload;
mod types;
mod view;

use std::sync::Arc;

use poem_openapi::{OpenApi, Tags};

use super::Mounted;

pub use error::Siteworks;

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, staying logged in, logging out.
    Authentication,
    /// One's own account.
    Profile,
}

type Api = (auth::Auth, account::OwnAccount);

/// The wire as the program mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(Siteworks),
        document: document::document,
        operations: Api::meta,
        mounts: &[""],
        uncounted: &[],
        add: |routes, core| {
            routes.with_operations((auth::Auth(core.clone()), account::OwnAccount(core.clone())), &[""], core)
        },
    }
}
