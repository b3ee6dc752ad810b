//! The authbackend wire: `/api/auth/…` and `/api/admin/…`, a mailed code at every login, a reset in three steps, apps
//! with keys, figures for administrators.
//!
//! `types` says what is read and written, `error` how refusals are spelled, `document` what the OpenAPI document adds.

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

use super::Mounted;

pub use error::Authbackend;

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, staying logged in, getting back in.
    Authentication,
    /// One's own password and sessions.
    Account,
    /// Other people's accounts, and figures.
    Admin,
    /// What there is, and how it is.
    System,
}

type Api = (auth::Auth, account::OwnAccount, admin::Admin, system::System);

/// The wire as the program mounts it.
#[must_use]
pub fn mounted() -> Mounted {
    Mounted {
        wire: Arc::new(Authbackend),
        document: document::document,
        operations: Api::meta,
        mounts: &[""],
        uncounted: &["/health"],
        add: |routes, core| {
            let api = (
                auth::Auth(core.clone()),
                account::OwnAccount(core.clone()),
                admin::Admin(core.clone()),
                system::System(core.clone()),
            );
            routes.with_operations(api, &[""], core)
        },
    }
}
