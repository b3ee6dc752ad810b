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
mod payload;
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
    /// One's own account.
    #[oai(rename = "User management")]
    UserManagement,
    /// Uploaded files and their quota.
    Files,
    /// How the service is.
    Health,
}

type Api = (auth::Auth, email::EmailVerification, users::Users, files::Files, health::Health);

fn api(core: &Arc<Core>) -> Api {
    (
        auth::Auth(core.clone()),
        email::EmailVerification(core.clone()),
        users::Users(core.clone()),
        files::Files(core.clone()),
        health::Health::starting(core.clone()),
    )
}

fn service(core: &Arc<Core>) -> OpenApiService<Api, ()> {
    OpenApiService::new(api(core), "authd", env!("CARGO_PKG_VERSION"))
}

/// Paths that no limit counts, with everything below them: health, pages, documents, keys.
pub const UNCOUNTED: [&str; 15] = [
    "/v1/health",
    "/api/v1/health",
    "/livez",
    "/readyz",
    "/.well-known",
    "/docs",
    "/openapi.json",
    "/openapi",
    "/v1/verify-email",
    "/v1/open-login",
    "/api/v1/verify-email",
    "/api/v1/open-login",
    "/verify-email",
    "/open-login",
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
