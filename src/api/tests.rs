//! Checks that hold for every wire: envelopes of their own schema, and complete OpenAPI documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::config::{Inputs, load};
use crate::error::{Error, Kind, Limit};
use crate::http::docs::shared::inlined;
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
fn as_sent(api: &Mounted) -> Value {
    let name = WireName::ALL.into_iter().find(|name| name.as_str() == api.wire.name()).unwrap();
    (api.document)(&config(name))
}

/// The document of a wire, with every response in its place.
fn document(api: &Mounted) -> Value {
    inlined(&as_sent(api))
}

/// Every operation, with its method and path.
pub(super) fn operations_of(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.values().all(|item| !item.as_object().unwrap().is_empty()));
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    operations.collect()
}

/// Collects every value of a key, at any depth.
pub(super) fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
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
fn every_document_is_whole() {
    for api in all() {
        let (name, document) = (api.wire.name(), &document(&api));
        let as_sent = as_sent(&api);
        for (name, is_in) in document_parts(&api) {
            let size = part(&as_sent, is_in).to_string().len();
            assert!(size <= 200_000, "{name}: {size} bytes");
        }
        let mut references = Vec::new();
        under(&as_sent, "$ref", &mut references);
        for reference in references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(as_sent.pointer(pointer).is_some(), "{name}: {reference}");
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

/// The limits that the operations of a wire declare in their signatures, by operation id.
fn declared(api: &Mounted) -> BTreeMap<&'static str, Vec<Limit>> {
    let apis = (api.operations)();
    let operations = apis.iter().flat_map(|api| &api.paths).flat_map(|path| &path.operations);
    let limits = operations.map(|operation| {
        let words = operation.security.iter().flat_map(HashMap::keys);
        (operation.operation_id.unwrap(), words.filter_map(|word| Limit::parse(word)).collect())
    });
    limits.collect()
}

/// Operation ids by wire.
type OperationIds = &'static [(&'static str, &'static [&'static str])];

/// The operations that declare no limit, each with the reason why it needs none beside the general
/// one. An operation that is neither here nor declares a limit fails the test below.
const WITHOUT_A_LIMIT: [(&str, OperationIds); 10] = [
    (
        "works for the caller alone, with a valid access token",
        &[
            ("v1", &["getProfile", "updateProfile", "listSessions", "listOwnAudit", "listMfa"]),
            ("v1", &["renameMfa", "replaceMfaName"]),
            ("v1", &["listPasskeys", "renamePasskey", "reauthenticatePasskeyOptions"]),
            ("v1", &["listIdentities"]),
            ("siteworks", &["getProfile", "updateProfile"]),
            ("jobpath", &["getCurrentUser"]),
            ("jobpsych", &["getProfile", "getUploadStats"]),
            ("authbackend", &["listSessions"]),
        ],
    ),
    (
        "needs a fresh authentication, whose attempts are limited",
        &[(
            "v1",
            &[
                "changeEmail",
                "mfaBackupCodes",
                "removeMfa",
                "deleteAccount",
                "addPasskeyOptions",
                "addPasskey",
                "removePasskey",
                "beginIdentity",
                "unlinkIdentity",
            ],
        )],
    ),
    (
        "needs a fresh authentication, and is in progress once at a time for each account",
        &[("v1", &["exportAccount"])],
    ),
    (
        "asks a provider once at a time for each of the caller's connected accounts",
        &[("v1", &["getProviderToken"])],
    ),
    (
        "counts by account in the core, because the code or password is the caller's own",
        &[("v1", &["mfaSetup"])],
    ),
    (
        "only ends sessions that its tokens belong to; a logout must not be refused",
        &[
            ("v1", &["logout", "logoutAll", "endSession", "endOtherSessions"]),
            ("siteworks", &["logout", "logoutAll"]),
            ("jobpath", &["logout"]),
            ("jobpsych", &["logout"]),
            ("authbackend", &["logout", "logoutAll", "endSession"]),
        ],
    ),
    (
        "is bounded by the quota of files",
        &[
            ("v1", &["uploadFile", "listFiles", "getFile", "deleteFile", "getQuota"]),
            ("jobpsych", &["uploadFile", "listFiles", "getFile", "deleteFile", "getFileStats"]),
        ],
    ),
    (
        "needs a permission",
        &[
            ("v1", &["listUsers", "createUser", "getUser", "updateUser", "deleteUser"]),
            ("v1", &["restoreUser", "unlockUser", "verifyUser", "setUserQuota"]),
            ("v1", &["resetUserPassword", "resetUserMfa", "listUserSessions", "explainUserLogin"]),
            ("v1", &["endUserSessions", "endUserSession", "listUserPasskeys", "removeUserPasskey"]),
            ("v1", &["listRoles", "createRole", "updateRole", "deleteRole"]),
            ("v1", &["listAudit", "exportAudit", "listMail", "retryMail"]),
            ("v1", &["getStats", "getLoginAnalytics", "getActivity", "listKeys", "rotateKeys"]),
            ("v1", &["listApps", "createApp", "rotateApp", "deleteApp"]),
            ("v1", &["listProviderSettings", "getProvider", "createProvider"]),
            ("v1", &["updateProvider", "deleteProvider", "testProvider"]),
            ("v1", &["listSearches", "saveSearch", "removeSearch", "listFindings"]),
            ("v1", &["listSettings", "listLimits", "listLocks"]),
            ("v1", &["listLetters", "previewLetter", "testMail"]),
            ("v1", &["listBackups", "createBackup", "verifyBackup", "downloadBackup"]),
            ("authbackend", &["listUsers", "getUser", "setUserRole", "toggleUserLock"]),
            ("authbackend", &["deleteUser", "getStats", "getLogins"]),
        ],
    ),
    (
        "serves other services, which check tokens that cannot be guessed",
        &[
            ("v1", &["verifyToken", "introspectToken", "getQuotaOf", "countUpload", "getJwtInfo"]),
            ("jobpsych", &["getUserUploads", "incrementUpload", "verifyToken", "getJwtInfo"]),
            ("authbackend", &["validateToken"]),
        ],
    ),
    (
        "says only what the server is and that it runs",
        &[
            ("v1", &["getHealth", "listProviders"]),
            ("jobpsych", &["getHealth", "getIndex"]),
            ("authbackend", &["getHealth", "getIndex"]),
        ],
    ),
];

#[test]
fn every_operation_declares_its_limit_or_is_listed_with_the_reason_why_it_has_none() {
    for api in all() {
        let name = api.wire.name();
        let (limited, unlimited): (BTreeMap<_, _>, BTreeMap<_, _>) =
            declared(&api).into_iter().partition(|(_, limits)| !limits.is_empty());
        let mut listed: Vec<&str> = WITHOUT_A_LIMIT
            .iter()
            .flat_map(|(_, wires)| wires.iter().filter(|(wire, _)| *wire == name))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, unlimited.into_keys().collect::<Vec<_>>(), "{name}");
        assert!(limited.contains_key("login"), "{name}");
    }
}

#[test]
fn a_declared_limit_is_in_the_document_with_the_answer_of_the_server() {
    let about = About {
        request_id: "req-uuid-for-tracking".into(),
        now: Time::from_seconds(1_701_426_600),
    };
    for api in all() {
        let document = document(&api);
        let declared = declared(&api);
        assert!(!document.to_string().contains("x-limits"), "{}", api.wire.name());
        for (place, operation) in operations_of(&document) {
            let schemes = operation["security"].as_array().into_iter().flatten();
            let mut names = schemes.flat_map(|scheme| scheme.as_object().unwrap().keys());
            assert!(names.all(|name| Limit::parse(name).is_none()), "{place}");
            // What is served beside the API declares none.
            let id = operation["operationId"].as_str().unwrap();
            for limit in declared.get(id).into_iter().flatten() {
                let error = Error::new(Kind::TooMany(*limit)).retry_after(Duration::from_mins(15));
                let answer = api.wire.body(&error, &about);
                let response = &operation["responses"]["429"]["content"]["application/json"];
                let examples = response["examples"].as_object().unwrap();
                assert!(
                    examples.values().any(|example| example["value"] == answer),
                    "{} {place}: {answer}",
                    api.wire.name()
                );
            }
        }
    }
}

#[test]
fn the_wire_of_the_root_comes_first_and_speaks_for_unknown_paths() {
    for name in WireName::ALL {
        let mounted = mounted(&config(name));
        assert_eq!(mounted.len(), if name == WireName::V1 { 1 } else { 2 });
        let wires = wires(&mounted, Paths::default());
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
        for path in ["/livez", "/docs", "/openapi/v1.json", "/v1/health"] {
            assert!(uncounted.iter().any(|known| known == path), "{path}");
        }
        assert!(
            !uncounted.iter().any(|path| path.is_empty() || path == "/" || path == "/v1"),
            "{uncounted:?}"
        );
    }
}
