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

use crate::api::Mounted;
use crate::api::needs::WireNeed;

pub use crate::api::compat::siteworks::error::Siteworks;

/// The groups of operations in the OpenAPI document.
#[derive(Tags)]
enum SiteworksTag {
    /// Sign-up, login, token refresh and logout.
    Authentication,
    /// The caller's account.
    Profile,
}

type SiteworksApi = (auth::SiteworksAuthApi, account::SiteworksOwnAccountApi);

/// The wire as the server mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(Siteworks),
        document: document::document,
        operations: SiteworksApi::meta,
        mounts: &[""],
        uncounted: &[],
        needs: &[WireNeed::SessionAtSignUp, WireNeed::NoAppHeaders],
        add: |routes, core| {
            routes.with_operations(
                (
                    auth::SiteworksAuthApi { core: core.clone() },
                    account::SiteworksOwnAccountApi { core: core.clone() },
                ),
                &[""],
                core,
            )
        },
    }
}
