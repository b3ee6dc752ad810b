//! Checks that hold for every wire: one table of errors, and complete OpenAPI documents.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::config::{Inputs, load};
use crate::error::{Error, Kind};
use crate::http::server::reject::About;
use crate::model::Time;

/// Every wire, with the profile that serves it at the root.
fn all() -> Vec<Mounted> {
    WireName::ALL.map(|name| named(name, &config(name))).into_iter().collect()
}

fn config(name: WireName) -> Config {
    let profile = match name {
        WireName::V1 => "standard",
        WireName::Siteworks => "siteworks",
        WireName::Jobpath => "jobpath",
        WireName::Jobpsych => "jobpsych",
        WireName::Authbackend => "authbackend",
    };
    let inputs = Inputs { flags: vec![("profile".into(), profile.into())], ..Inputs::default() };
    load(&inputs).unwrap_or_else(|problems| panic!("{problems}")).config
}

/// The document of a wire, with the profile that serves it.
fn document(api: &Mounted) -> Value {
    let name = WireName::ALL.into_iter().find(|name| name.as_str() == api.wire.name()).unwrap();
    (api.document)(&config(name))
}

/// Every operation, with its method and path.
fn operations_of(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    operations.collect()
}

/// Collects every value of a key, at any depth.
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
fn every_kind_has_its_status_and_code_on_every_wire() {
    let wires: Vec<_> = all().into_iter().map(|api| api.wire).collect();
    let line = |head: String, cells: Vec<String>| {
        let cells: Vec<_> = cells.into_iter().map(|cell| format!("{cell:<40}")).collect();
        format!("{head:<26}{}", cells.concat()).trim_end().to_owned()
    };
    let mut table =
        vec![line(String::new(), wires.iter().map(|wire| wire.name().to_owned()).collect())];
    table.extend(Kind::ALL.map(|kind| {
        let cell =
            |wire: &Arc<dyn Wire>| format!("{} {}", wire.status(kind).as_u16(), wire.code(kind));
        line(format!("{kind:?}"), wires.iter().map(cell).collect())
    }));
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn every_envelope_is_of_its_own_schema_and_says_nothing_of_faults() {
    let about = About { request_id: "req-1".into(), now: Time::from_seconds(1_701_426_600) };
    for api in all() {
        let schema = api.wire.schema();
        for kind in Kind::ALL {
            let body = api.wire.body(&Error::with(kind, "words"), &about);
            for name in schema["required"].as_array().unwrap() {
                assert!(
                    body.get(name.as_str().unwrap()).is_some(),
                    "{} {kind:?}: {body}",
                    api.wire.name()
                );
            }
            for (name, _) in body.as_object().unwrap() {
                assert!(
                    schema["properties"].get(name).is_some(),
                    "{} {kind:?}: {name}",
                    api.wire.name()
                );
            }
            let is_fault = api.wire.status(kind).is_server_error();
            assert_eq!(
                body.to_string().contains("words"),
                !is_fault,
                "{} {kind:?}: {body}",
                api.wire.name()
            );
        }
    }
}

#[test]
fn the_documents_of_the_other_wires_are_what_they_were() {
    for api in all().iter().filter(|api| api.wire.name() != "v1") {
        insta::assert_json_snapshot!(api.wire.name(), document(api));
    }
}

#[test]
fn every_document_is_whole() {
    for api in all() {
        let (name, document) = (api.wire.name(), &document(&api));
        let mut references = Vec::new();
        under(document, "$ref", &mut references);
        for reference in references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}: {reference}");
        }
        let operations = operations_of(document);
        let ids: BTreeSet<_> = operations
            .iter()
            .map(|(_, operation)| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), operations.len(), "{name}");
        for (place, operation) in operations {
            let has = |status: &str| !operation["responses"][status].is_null();
            assert!(has("500"), "{name} {place} has no description");
            if let Some(media) = operation.pointer("/requestBody/content/application~1json") {
                assert!(has("400") && has("413") && has("415"), "{name} {place}");
                assert!(media["examples"].is_object(), "{name} {place}");
            }
            if operation["security"].to_string().contains("bearerAuth") {
                assert!(has("401"), "{name} {place}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let Some(media) = response["content"].get("application/json") else { continue };
                let is_shown = media.get("example").is_some() || media.get("examples").is_some();
                assert!(is_shown || status.starts_with('5'), "{name} {place} {status}");
            }
        }
    }
}

#[test]
fn the_wire_of_the_root_comes_first_and_speaks_for_unknown_paths() {
    for name in WireName::ALL {
        let mounted = mounted(&config(name));
        assert_eq!(mounted.len(), if name == WireName::V1 { 1 } else { 2 });
        let wires = wires(&mounted);
        assert_eq!(wires.of("/nothing").name(), named(name, &config(name)).wire.name());
        assert_eq!(wires.of("/v1/nothing").name(), "v1");
        assert_eq!(wires.of("/api/v1/nothing").name(), "v1");
        assert_eq!(wires.allow("/v1/auth/login"), "POST");
    }
}

#[test]
fn what_belongs_to_no_wire_is_counted_by_no_limit() {
    for name in WireName::ALL {
        let uncounted = uncounted(&mounted(&config(name)));
        for path in [
            "/livez",
            "/docs",
            "/openapi/v1.json",
            "/api/v1/not-me",
            "/verify-email/post.js",
            "/v1/health",
        ] {
            assert!(uncounted.iter().any(|known| known == path), "{path}");
        }
        assert!(
            !uncounted.iter().any(|path| path.is_empty() || path == "/" || path == "/v1"),
            "{uncounted:?}"
        );
    }
}
