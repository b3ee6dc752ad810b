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
    for path in
        ["/auth/login", "/auth/refresh", "/auth/logout", "/auth/logout-all", "/auth/mfa/verify", "/auth/otp/verify"]
    {
        document["paths"][path]["post"]["responses"]["200"]["headers"]["Set-Cookie"] = json!({
            "description": "The refresh token in its cookie, or its end.",
            "schema": { "type": "string" },
        });
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::fixture::config;
    use super::*;

    /// Every operation with its path and method.
    fn all(document: &Value) -> Vec<(String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &'_ Value)| format!("{path} {}", item.as_object().unwrap().len());
        assert!(paths.iter().map(of).all(|line| !line.ends_with(" 0")));
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        });
        operations.collect()
    }

    /// Every value under a key, wherever it stands.
    fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get(key));
                map.values().for_each(|value| under(value, key, found));
            }
            Value::Array(items) => items.iter().for_each(|value| under(value, key, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_is_what_it_was() {
        insta::assert_json_snapshot!(document(&config()));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(&config());
        let mut references = Vec::new();
        under(&document, "$ref", &mut references);
        assert!(!references.is_empty());
        for reference in references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_its_own_id_and_a_description() {
        let described: BTreeSet<_> = operations().iter().map(|described| described.id).collect();
        let document = document(&config());
        let ids: Vec<_> = all(&document).iter().map(|(_, op)| op["operationId"].as_str().unwrap().to_owned()).collect();
        let unique: BTreeSet<_> = ids.iter().map(String::as_str).collect();
        assert_eq!(unique.len(), ids.len());
        assert_eq!(unique, described);
    }

    #[test]
    fn every_operation_says_what_it_can_be_refused_for() {
        let document = document(&config());
        for (name, operation) in all(&document) {
            let has = |status: &str| !operation["responses"][status].is_null();
            assert!(has("500") && has("503"), "{name}");
            assert_eq!(has("429"), name != "get /health", "{name}");
            if operation.get("requestBody").is_some() {
                assert!(has("400") && has("413") && has("415"), "{name}");
                let json = operation["requestBody"]["content"].get("application/json");
                assert!(json.is_none_or(|media| media["examples"].is_object()), "{name}");
            }
            if operation["security"].to_string().contains("bearerAuth") {
                assert!(operation["responses"]["401"]["content"].to_string().contains("TOKEN_REVOKED"), "{name}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let media = response["content"].as_object().unwrap();
                let bytes = name == "get /users/me/files/{fileId}" && status == "200";
                let expected = if bytes { "application/octet-stream" } else { "application/json" };
                assert_eq!(media.keys().collect::<Vec<_>>(), [expected], "{name} {status}");
                assert!(response["headers"]["X-Request-ID"].is_object(), "{name} {status}");
            }
        }
    }

    #[test]
    fn no_rule_stands_in_the_document_that_nobody_checks() {
        let document = document(&config());
        for word in ["pattern", "uniqueItems", "multipleOf", "oneOf", "anyOf", "additionalProperties"] {
            let mut found = Vec::new();
            under(&document["components"], word, &mut found);
            assert_eq!(found, Vec::<&Value>::new(), "{word}");
        }
    }

    #[test]
    fn what_the_profile_asks_for_is_required() {
        let schema = &document(&config())["components"]["schemas"]["RegisterRequest"];
        assert_eq!(schema["required"], json!(["email", "password", "username"]));
        assert_eq!(schema["properties"]["password"]["minLength"], 12);
    }

    #[test]
    fn a_path_knows_its_methods_on_every_mount() {
        let paths = Paths::of(&document(&config()));
        for (path, methods) in [
            ("/v1/users/me", vec![Method::GET, Method::PUT, Method::DELETE]),
            ("/api/v1/auth/login", vec![Method::POST]),
            ("/v1/verify-email", vec![Method::GET, Method::POST]),
            ("/livez", vec![Method::GET]),
            ("/v1/nothing", vec![]),
            ("/auth/login", vec![]),
        ] {
            assert_eq!(paths.methods(path), methods, "{path}");
        }
    }

    #[test]
    fn a_template_stands_for_one_segment() {
        assert!(fits("/users/{id}", "/users/7"));
        assert!(!fits("/users/{id}", "/users/7/x") && !fits("/users/{id}", "/users"));
    }
}
