//! The native API, served under `/v1` and `/api/v1` whatever the profile.
//!
//! One file per resource with its operations; `types` says what is read and written, `error` how refusals are spelled,
//! `document` what the OpenAPI document adds to what the operations show by themselves.

mod auth;
mod document;
mod email;
mod error;
mod examples;
mod files;
#[cfg(test)]
mod fixture;
mod health;
mod mfa;
mod payload;
mod recovery;
mod types;
mod users;
mod view;

use std::sync::Arc;

use poem::{EndpointExt, IntoEndpoint, Route};
use poem_openapi::{OpenApiService, Tags};

use crate::config::Config;
use crate::http::docs::{self, Document};
use crate::http::schema::Schemas;
use crate::http::wires::Wires;
use crate::http::{pages, system};
use crate::identity::Core;

pub use document::{Paths, document};
pub use error::V1;

/// Where the native API is mounted; the first is the one that documents and links name.
pub const MOUNTS: [&str; 2] = ["/v1", "/api/v1"];

/// How the document groups the operations.
#[derive(Tags)]
enum Tag {
    /// Signing up, logging in, staying logged in, logging out.
    Authentication,
    /// Proving an address.
    #[oai(rename = "Email verification")]
    EmailVerification,
    /// Passwords forgotten and changed.
    Password,
    /// Second factors.
    #[oai(rename = "Multi-factor authentication")]
    Mfa,
    /// One's own account.
    #[oai(rename = "User management")]
    UserManagement,
    /// Uploaded files and their quota.
    Files,
    /// How the service is.
    Health,
}

type Api =
    (auth::Auth, email::EmailVerification, users::Users, recovery::Recovery, mfa::Mfa, files::Files, health::Health);

fn api(core: &Arc<Core>) -> Api {
    (
        auth::Auth(core.clone()),
        email::EmailVerification(core.clone()),
        users::Users(core.clone()),
        recovery::Recovery(core.clone()),
        mfa::Mfa(core.clone()),
        files::Files(core.clone()),
        health::Health::starting(core.clone()),
    )
}

fn service(core: &Arc<Core>) -> OpenApiService<Api, ()> {
    OpenApiService::new(api(core), "authd", env!("CARGO_PKG_VERSION"))
}

/// Paths that no limit counts, with everything below them: health, pages, documents, keys.
pub const UNCOUNTED: [&str; 30] = [
    "/v1/health",
    "/api/v1/health",
    "/livez",
    "/readyz",
    "/.well-known",
    "/docs",
    "/openapi.json",
    "/openapi",
    "/verify-email",
    "/resend-verification",
    "/open-login",
    "/forgot-password",
    "/reset-password",
    "/confirm-email",
    "/undo-email",
    "/v1/verify-email",
    "/v1/resend-verification",
    "/v1/open-login",
    "/v1/forgot-password",
    "/v1/reset-password",
    "/v1/confirm-email",
    "/v1/undo-email",
    "/api/v1/verify-email",
    "/api/v1/resend-verification",
    "/api/v1/open-login",
    "/api/v1/forgot-password",
    "/api/v1/reset-password",
    "/api/v1/confirm-email",
    "/api/v1/undo-email",
    "/metrics",
];

/// Which wire speaks where, and which methods a path knows.
#[must_use]
pub fn wires(config: &Config) -> Wires {
    let wire = Arc::new(V1);
    let paths = Arc::new(Paths::of(&document(config)));
    MOUNTS.into_iter().fold(Wires::new(wire.clone(), paths), |wires, mount| wires.mount(mount, wire.clone()))
}

/// Everything that is served whatever the profile: the native API on its mounts, its pages, documents and system paths.
#[must_use]
pub fn routes(core: Arc<Core>) -> Route {
    let schemas = Arc::new(Schemas::of::<Api>());
    let documents = vec![Document::new("v1", &document(&core.config))];
    let route = docs::routes(system::routes(pages::routes(Route::new(), &core), &core), documents);
    MOUNTS.into_iter().fold(route, move |route, mount| {
        let endpoint = service(&core).into_endpoint().data(core.clone()).data(schemas.clone());
        route.nest(mount, endpoint)
    })
}
