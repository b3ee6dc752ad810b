//! v1's OpenAPI document: what the types say, what the policy asks for, and what every operation can be refused for.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Map, Value, json};

use super::examples::operations;
use super::payload::field_name;
use super::{Api, MOUNTS, V1};
use crate::config::Config;
use crate::http::wires::Methods;
use crate::http::{docs, openapi, pages, refresh_cookie, system};

/// The name of the refresh cookie's scheme in the document.
const COOKIE_SCHEME: &str = "refreshCookie";

/// The OpenAPI document of the native API under this configuration.
#[must_use]
pub fn document(config: &Config) -> Value {
    let mut document = generated();
    document["info"]["title"] = config.service.name.clone().into();
    document["info"]["description"] = "Sign-up, login and sessions. Errors of every call share one envelope.".into();
    document["servers"] = servers(config);
    document["components"]["securitySchemes"][COOKIE_SCHEME] = json!({
        "type": "apiKey",
        "in": "cookie",
        "name": refresh_cookie::name(config),
        "description": "The refresh token; set by a login.",
    });
    for (path, security) in [
        ("/auth/refresh", json!([{ COOKIE_SCHEME: [] }, {}])),
        ("/auth/logout", json!([{ "bearerAuth": [] }, { COOKIE_SCHEME: [] }, {}])),
    ] {
        document["paths"][path]["post"]["security"] = security;
    }
    apply_policy(&mut document["components"]["schemas"], config);
    openapi::complete(&mut document, &V1, &operations());
    document
}

/// What the types alone say.
fn generated() -> Value {
    let text = OpenApiService::new(Shown::<Api>(PhantomData), "authd", env!("CARGO_PKG_VERSION")).spec();
    serde_json::from_str(&text).unwrap_or_default()
}

/// An API that is only looked at: it has the operations of `A`, and none of its state.
struct Shown<A>(PhantomData<A>);

impl<A: OpenApi> OpenApi for Shown<A> {
    fn meta() -> Vec<MetaApi> {
        A::meta()
    }

    fn register(registry: &mut Registry) {
        A::register(registry);
    }

    fn add_routes(self, _routes: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// What a profile asks for stands in the document as it does in the rules.
fn apply_policy(schemas: &mut Value, config: &Config) {
    let rules = &config.password;
    let password = &mut schemas["RegisterRequest"]["properties"]["password"];
    password["minLength"] = rules.min_length.into();
    password["maxLength"] = rules.max_length.into();
    schemas["LoginRequest"]["properties"]["password"]["maxLength"] = rules.max_length.into();
    if let Some(required) = schemas["RegisterRequest"]["required"].as_array_mut() {
        required.extend(config.signup.require.iter().map(|field| field_name(*field).into()));
    }
}

fn servers(config: &Config) -> Value {
    let base = config.server.public_url.as_deref().unwrap_or("");
    MOUNTS.iter().map(|mount| json!({ "url": format!("{base}{mount}") })).collect()
}

/// The methods of every path that is served whatever the profile, read off the document itself.
#[derive(Debug, Clone)]
pub struct Paths(BTreeMap<String, Vec<Method>>);

impl Paths {
    /// Of this document, on every mount, with the pages and system paths beside it.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let mut paths = BTreeMap::new();
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            let names = operations.as_object().into_iter().flat_map(Map::keys);
            let methods: Vec<_> = names.filter_map(|name| name.to_ascii_uppercase().parse().ok()).collect();
            paths.extend(MOUNTS.map(|mount| (format!("{mount}{path}"), methods.clone())));
        }
        for path in pages::PATHS {
            paths.extend(pages::MOUNTS.map(|mount| (format!("{mount}{path}"), vec![Method::GET, Method::POST])));
        }
        let read = system::PATHS.into_iter().chain(docs::PATHS).chain(["/openapi/v1.json"]);
        paths.extend(read.map(|path| (path.to_owned(), vec![Method::GET])));
        Self(paths)
    }
}

impl Methods for Paths {
    fn methods(&self, path: &str) -> Vec<Method> {
        let known = self.0.iter().find(|(template, _)| fits(template, path));
        known.map(|(_, methods)| methods.clone()).unwrap_or_default()
    }
}

/// Whether a path is of the form of a template, in which `{name}` stands for any one segment.
fn fits(template: &str, path: &str) -> bool {
    let (mut templates, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (templates.next(), segments.next()) {
            (None, None) => return true,
            (Some(template), Some(segment)) if template == segment || template.starts_with('{') => {}
            _ => return false,
        }
    }
}
