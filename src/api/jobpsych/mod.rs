//! The jobpsych wire: `/api/auth/…` and `/api/files/…`, the refresh token in a cookie, an upload quota that a second
//! service asks for, a secret shared with that service.
//!
//! `types` says what is read and written, `error` how refusals are spelled, `document` what the OpenAPI document adds.

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

use super::Mounted;
use crate::config::Config;

pub use error::Jobpsych;

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, staying logged in, logging out.
    Authentication,
    /// The upload quota, for its owner and for a second service.
    #[oai(rename = "Upload quota")]
    Quota,
    /// Checking tokens, for a second service.
    #[oai(rename = "Token verification")]
    Tokens,
    /// Uploaded files.
    Files,
    /// What there is, and how it is.
    System,
}

type Api = (auth::Auth, account::OwnAccount, service::Services, files::Files, system::System);

/// The wire as the program mounts it.
#[must_use]
pub fn mounted(config: &Config) -> Mounted {
    Mounted {
        wire: Arc::new(Jobpsych::under(config)),
        document: document::document,
        operations: Api::meta,
        mounts: &[""],
        uncounted: &["/health"],
        add: |routes, core| {
            let api = (
                auth::Auth(core.clone()),
                account::OwnAccount(core.clone()),
                service::Services(core.clone()),
                files::Files(core.clone()),
                system::System(core.clone()),
            );
            routes.with_operations(api, &[""], core)
        },
    }
}
