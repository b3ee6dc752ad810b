//! Each operation of the document has its module here, named after path and verb, with scenarios.

use std::collections::BTreeSet;
use std::process::Command;

use super::fixture::document;

const VERBS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The module of an operation: `PUT /users/me/mfa/{id}` has `v1::users::me_mfa_id_put`.
fn module_of(verb: &str, path: &str) -> String {
    let words = path.split('/').skip(1).map(|part| {
        let mut word = String::new();
        for c in part.trim_matches(['{', '}']).chars() {
            match c {
                '-' => word.push('_'),
                'A'..='Z' => word.extend(['_', c.to_ascii_lowercase()]),
                _ => word.push(c),
            }
        }
        word
    });
    let words: Vec<String> = words.chain([verb.to_owned()]).collect();
    match words.as_slice() {
        [only, verb] => format!("v1::{only}_{verb}"),
        words => format!("v1::{}::{}", words[0], words[1..].join("_")),
    }
}

/// The modules of this binary that are named after a verb and have a scenario.
fn modules() -> BTreeSet<String> {
    let listed = Command::new(std::env::current_exe().unwrap())
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let modules = text.lines().filter_map(|line| {
        line.strip_suffix(": test")?.rsplit_once("::").map(|(module, _)| module)
    });
    let of_operation = |module: &&str| {
        let verb = module.rsplit('_').next().unwrap();
        module.starts_with("v1::") && VERBS.contains(&verb)
    };
    modules.filter(of_operation).map(ToOwned::to_owned).collect()
}

#[test]
fn a_module_is_named_after_path_and_verb() {
    for (verb, path, module) in [
        ("get", "/health", "v1::health_get"),
        ("post", "/auth/logout-all", "v1::auth::logout_all_post"),
        ("delete", "/users/me/sessions/{sessionId}", "v1::users::me_sessions_session_id_delete"),
    ] {
        assert_eq!(module_of(verb, path), module);
    }
}

#[tokio::test]
async fn every_operation_of_the_document_has_scenarios_in_its_module() {
    let paths = document().await["paths"].as_object().unwrap();
    let operations = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |verb| (verb, path)));
    let documented: BTreeSet<String> =
        operations.map(|(verb, path)| module_of(verb, path)).collect();
    let tested = modules();
    let untested: Vec<_> = documented.difference(&tested).collect();
    let unknown: Vec<_> = tested.difference(&documented).collect();
    assert!(untested.is_empty(), "operations without scenarios: {untested:#?}");
    assert!(unknown.is_empty(), "scenarios of no operation: {unknown:#?}");
}
