//! v1's OpenAPI document: the schemas from the types, the requirements of the policy, and the
//! errors of every operation.

use serde_json::{Value, json};

use super::examples::operations;
use super::payload::field_name;
use super::{MOUNTS, UNCOUNTED, V1, V1Api};
use crate::config::Config;
use crate::error::Kind;
use crate::http::docs::openapi;
use crate::http::docs::openapi::OtherGet;
use crate::http::extract::{api_client, refresh_cookie};
use crate::http::server::{policy, system};

/// The name of the refresh cookie's security scheme in the document.
const COOKIE_SCHEME: &str = "refreshCookie";

const ABOUT: &str = "\
Sign-up, login and sessions.

A login returns an access token and a refresh token. Send the access token with other calls as \
`Authorization: Bearer …`. Send the refresh token to `POST /auth/refresh` to get the next pair; browsers keep it in an \
`HttpOnly` cookie. Services that verify access tokens themselves find the public keys at `/.well-known/jwks.json`.

A success has `success: true`. All errors share one envelope: `code` is for programs, `message` is for people, and `details` lists each broken rule.";

/// The OpenAPI document of the native API for this configuration.
#[must_use]
pub fn document(config: &Config) -> Value {
    let mut document = openapi::generated::<V1Api>();
    openapi::introduce(&mut document, config, &MOUNTS, ABOUT);
    document["components"]["securitySchemes"][COOKIE_SCHEME] = json!({
        "type": "apiKey",
        "in": "cookie",
        "name": refresh_cookie::name(config, refresh_cookie::Naming::Guarded),
        "description": "The refresh token, set by a login.",
    });
    for (path, security) in [
        ("/auth/refresh", json!([{ COOKIE_SCHEME: [] }, {}])),
        ("/auth/logout", json!([{ "bearerAuth": [] }, { COOKIE_SCHEME: [] }, {}])),
    ] {
        document["paths"][path]["post"]["security"] = security;
    }
    describe_services(&mut document);
    apply_policy(&mut document, config);
    describe_system(&mut document, config);
    let mut operations = operations();
    let versioned = describe_versions(&mut document);
    for operation in operations.iter_mut().filter(|one| versioned.iter().any(|id| id == one.id)) {
        operation.errors.push(Kind::PreconditionFailed);
    }
    api_client::describe(&mut document, config, &mut operations);
    let uncounted = [&UNCOUNTED[..], &system::PATHS].concat();
    openapi::complete(&mut document, &V1, &operations, &uncounted);
    let health = &mut document["paths"]["/health"]["get"]["responses"];
    let mut unwell = health["200"]["content"]["application/json"]["example"].clone();
    unwell["status"] = "UNAVAILABLE".into();
    unwell["services"]["database"] = "unhealthy".into();
    health["503"]["content"]["application/json"]["example"] = unwell;
    for path in [
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/auth/logout-all",
        "/auth/mfa/verify",
        "/auth/otp/verify",
        "/auth/passkey",
        "/auth/mfa/passkey",
        "/auth/providers/callback",
        "/auth/providers/{name}/token",
        "/auth/providers/complete",
    ] {
        document["paths"][path]["post"]["responses"]["200"]["headers"]["Set-Cookie"] = json!({
            "description": "Sets or clears the cookie with the refresh token.",
            "schema": { "type": "string" },
        });
    }
    describe_export(&mut document["paths"]["/admin/audit/export"]["get"]["responses"]["200"]);
    describe_reasons(&mut document);
    openapi::share(&mut document);
    document
}

/// Documents the header that states which version of an account a change is meant for. Returns the IDs
/// of the operations that take it.
fn describe_versions(document: &mut Value) -> Vec<String> {
    let mut ids = Vec::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let paths = paths.filter(|(path, _)| path.starts_with("/admin/users/{userId}"));
    let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
    for (_, operation) in operations.filter(|(method, _)| *method != "get") {
        let version = json!({
            "name": "If-Match",
            "in": "header",
            "required": false,
            "description": "The account's `version` in quotes: if it has changed since, nothing is done.",
            "schema": { "type": "string" },
        });
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.push(version);
            ids.extend(operation["operationId"].as_str().map(str::to_owned));
        }
    }
    ids
}

/// Documents the header with which an administrator gives a reason.
fn describe_reasons(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
    for (method, operation) in operations {
        let is_recorded = method != "get" || operation["operationId"] == "downloadBackup";
        if !is_recorded || operation["x-permission"].is_null() {
            continue;
        }
        let reason = json!({
            "name": "X-Reason",
            "in": "header",
            "required": false,
            "description": "Why you do it, for the audit log: UTF-8, percent-encoded where a client can send ASCII alone, cut to 200 characters.",
            "schema": { "type": "string" },
        });
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(reason),
            None => operation["parameters"] = json!([reason]),
        }
    }
}

/// Documents the key that a service can send instead of a token.
fn describe_services(document: &mut Value) {
    document["components"]["securitySchemes"]["serviceKey"] = json!({
        "type": "apiKey",
        "in": "header",
        "name": "X-Service-Key",
        "description": "A service's key. Callers from `server.service_networks` do not need one.",
    });
    for (path, method) in [
        ("/service/introspect", "post"),
        ("/service/quota/{email}", "get"),
        ("/service/quota/count", "post"),
        ("/service/jwt-info", "get"),
    ] {
        document["paths"][path][method]["security"] = json!([{ "serviceKey": [] }, {}]);
    }
    document["paths"]["/users/me/identities/{id}/token"]["post"]["security"] =
        json!([{ "bearerAuth": [], "serviceKey": [] }, { "bearerAuth": [] }]);
}

/// An export is not one JSON document: the request selects one of two formats.
fn describe_export(response: &mut Value) {
    let text = |example: &str| json!({ "schema": { "type": "string" }, "example": example });
    response["content"] = json!({
        "application/x-ndjson": text("{\"id\":\"…\",\"at\":\"2023-12-01T10:30:00.000Z\",\"event\":\"login\"}\n"),
        "text/csv": text("id,at,event\r\n"),
    });
}

/// Adds the configured policy to the schemas, so that the document states the rules that the server
/// enforces.
fn apply_policy(document: &mut Value, config: &Config) {
    policy::publish_passwords(document, &config.password);
    let register = &mut document["components"]["schemas"]["RegisterRequest"];
    if let Some(required) = register["required"].as_array_mut() {
        required.extend(config.signup.require.iter().map(|field| field_name(*field).into()));
    }
}

const SYSTEM: &str = "System";

/// The operations at the root that belong to no API.
fn describe_system(document: &mut Value, config: &Config) {
    let text = |path, id, summary, description, success| OtherGet {
        path,
        id,
        tag: SYSTEM,
        summary,
        description,
        success,
        media_type: "text/plain",
        schema_type: "string",
    };
    let [live, ready, keys, origins, figures] = system::PATHS;
    let mut gets = vec![
        OtherGet {
            media_type: "application/json; charset=utf-8",
            schema_type: "object",
            ..text(
                keys,
                "getJwks",
                "Get the public keys",
                "The keys that verify access tokens, as a JSON Web Key Set (RFC 7517).",
                "The keys; none under a shared secret.",
            )
        },
        OtherGet {
            media_type: "application/json; charset=utf-8",
            schema_type: "object",
            ..text(
                origins,
                "getRelatedOrigins",
                "Get the origins that may use the passkeys",
                "For browsers, which ask the domain that the passkeys are bound to.",
                "The origins.",
            )
        },
        text(live, "getLivez", "Check that the server runs", "For supervisors.", "`ok`"),
        text(
            ready,
            "getReadyz",
            "Check that the server can work",
            "For load balancers: the database can be read.",
            "`ok`",
        ),
    ];
    if config.metrics.enabled {
        gets.push(text(
            figures,
            "getMetrics",
            "Get metrics",
            "Metrics for Prometheus, for callers from `server.service_networks`.",
            "The metrics in the text format of Prometheus.",
        ));
    }
    for get in &gets {
        openapi::add_get(document, config, get);
    }
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.push(json!({ "name": SYSTEM, "description": "Paths of the server itself." }));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::fixture::config;
    use super::*;
    use crate::api::tests::{operations_of, under};
    use crate::http::docs::shared::inlined;
    use crate::http::extract::schema::{LANGUAGE, TEXT, USERNAME};

    /// The document with every response in its place.
    fn document(config: &Config) -> Value {
        inlined(&super::document(config))
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = super::document(&config());
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
        let ids: Vec<_> = operations_of(&document)
            .iter()
            .map(|(_, op)| op["operationId"].as_str().unwrap().to_owned())
            .collect();
        let unique: BTreeSet<_> = ids.iter().map(String::as_str).collect();
        assert_eq!(unique.len(), ids.len());
        assert_eq!(unique, described);
    }

    #[test]
    fn every_operation_says_what_it_can_be_refused_for() {
        let document = document(&config());
        for (name, operation) in operations_of(&document) {
            let has = |status: &str| !operation["responses"][status].is_null();
            assert!(has("500"), "{name}");
            assert!(has("503") || operation.get("servers").is_some(), "{name}");
            let is_system = operation.get("servers").is_some();
            assert_eq!(has("429"), !is_system && name != "get /health", "{name}");
            if operation.get("requestBody").is_some() {
                assert!(has("400") && has("413") && has("415"), "{name}");
                let json = operation["requestBody"]["content"].get("application/json");
                assert!(json.is_none_or(|media| media["examples"].is_object()), "{name}");
            }
            if operation["security"].to_string().contains("bearerAuth") {
                assert!(
                    operation["responses"]["401"]["content"].to_string().contains("TOKEN_REVOKED"),
                    "{name}"
                );
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let media = response["content"].as_object().unwrap();
                if name == "get /admin/audit/export" && status == "200" {
                    continue;
                }
                let bytes = ["get /users/me/files/{fileId}", "get /admin/backups/{backup}"]
                    .contains(&name.as_str())
                    && status == "200";
                if is_system && status == "200" {
                    continue;
                }
                let expected: &[&str] = if bytes {
                    &["application/octet-stream", "*/*"]
                } else {
                    &["application/json"]
                };
                assert_eq!(media.keys().collect::<Vec<_>>(), expected, "{name} {status}");
                assert!(response["headers"]["X-Request-ID"].is_object(), "{name} {status}");
            }
        }
    }

    #[test]
    fn the_document_states_no_rule_that_is_not_checked() {
        let document = document(&config());
        let mut patterns = Vec::new();
        under(&document["components"], "pattern", &mut patterns);
        let patterns: BTreeSet<_> =
            patterns.iter().filter_map(|pattern| pattern.as_str()).collect();
        let checked = [TEXT, USERNAME, LANGUAGE, "^[a-z0-9._:-]+$"];
        assert_eq!(patterns, BTreeSet::from(checked));
        for word in ["uniqueItems", "multipleOf", "oneOf", "anyOf", "additionalProperties"] {
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
}
