//! The siteworks wire: `/api/auth/…`, with a token pair in the body, logout everywhere and a
//! profile.
//!
//! `types` defines requests and responses, `error` maps errors to responses, and `document`
//! completes the OpenAPI document.

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

/// The groups of operations in the OpenAPI document.
#[derive(Tags)]
enum Tag {
    /// Sign-up, login, token refresh and logout.
    Authentication,
    /// The caller's account.
    Profile,
}

type Api = (auth::Auth, account::OwnAccount);

/// The wire as the server mounts it.
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
