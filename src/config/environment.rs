//! The environment as a layer: variables named `AUTHD_*` and those of the profile's document.
//! Contradictions between them are problems.

use std::collections::BTreeMap;

use super::env_file;
use super::layer::{Layer, Origin, Raw, SourcedValue};
use super::problem::Problem;
use super::profile::EnvTable;
use super::reader::variable_of;
use crate::config::values::span;

/// Aliases without a section, for keys that are set often.
const SHORT: [(&str, &str); 2] = [("listen", "server.listen"), ("public_url", "server.public_url")];

/// `AUTHD_` variables that are not configuration keys.
const NOT_KEYS: [&str; 3] = ["AUTHD_MASTER_KEY", "AUTHD_PROVIDER_KEY", "AUTHD_TEST_POSTGRES"];

/// A variable that is set but has no effect, and is worth a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredVariable {
    /// The variable's name.
    pub name: String,
    /// Where the variable was found.
    pub origin: Origin,
    /// Why it has no effect.
    pub reason: String,
}

/// The value of a variable, and where it was found.
pub(super) struct EnvVariable {
    pub value: String,
    pub origin: Origin,
}

/// All variables by name. The process environment overrides the env file, and an empty variable
/// counts as unset.
pub(super) fn gather(
    process: &BTreeMap<String, String>,
    file: Vec<env_file::Variable>,
    file_name: &str,
) -> BTreeMap<String, EnvVariable> {
    let from_file = file.into_iter().map(|v| {
        let origin =
            Origin::EnvFile { file: file_name.to_owned(), line: v.line, name: v.name.clone() };
        (v.name, EnvVariable { value: v.value, origin })
    });
    let from_process = process.iter().map(|(name, value)| {
        (name.clone(), EnvVariable { value: value.clone(), origin: Origin::Env(name.clone()) })
    });
    let mut all: BTreeMap<String, EnvVariable> = from_file.collect();
    all.extend(from_process.filter(|(_, found)| !found.value.is_empty()));
    all.retain(|_, found| !found.value.is_empty());
    all
}

/// The key that a flag or variable name stands for.
pub(super) fn key_of(name: &str) -> String {
    let key = name.replace('-', "_").replace("__", ".");
    SHORT.iter().find(|(short, _)| *short == key).map_or(key, |(_, long)| (*long).to_owned())
}

/// The layer of the `AUTHD_` variables.
pub(super) fn own_names(all: &BTreeMap<String, EnvVariable>, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::new();
    for (name, found) in all {
        if let Some(rest) = name.strip_prefix("AUTHD_")
            && !NOT_KEYS.contains(&name.as_str())
            && !is_service_link(rest, &found.value)
        {
            add(&mut layer, key_of(&rest.to_lowercase()), &found.value, found, problems);
        }
    }
    layer
}

/// True for the variables that container platforms set for a service named `authd` in neighbouring
/// containers. They are not configuration.
fn is_service_link(rest: &str, value: &str) -> bool {
    let has_port = |text: &str| {
        text == "PORT" || text.strip_prefix("PORT_").is_some_and(|rest| !rest.starts_with('_'))
    };
    match rest.strip_prefix("SERVICE_") {
        Some(rest) => rest == "HOST" || has_port(rest),
        // A plain AUTHD_PORT=3000 is an administrator's mistake, so it is reported.
        None if rest == "PORT" => value.contains("://"),
        None => has_port(rest),
    }
}

/// Adds the variables of the profile's document to the layer and returns those without an effect.
pub(super) fn document_names(
    all: &BTreeMap<String, EnvVariable>,
    table: &EnvTable,
    layer: &mut Layer,
    problems: &mut Vec<Problem>,
) -> Vec<IgnoredVariable> {
    let mut ignored = Vec::new();
    for (name, found) in all {
        if let Some(meaning) = table.honoured.get(name) {
            let value = meaning.translate(&found.value);
            if let Some(key) = meaning.keys.iter().find(|key| is_limit(key))
                && is_zero(&value)
            {
                problems.push(no_limit(name, key, found));
                continue;
            }
            for key in &meaning.keys {
                add(layer, key.clone(), &value, found, problems);
            }
            continue;
        }
        let is_from_file = matches!(found.origin, Origin::EnvFile { .. });
        let reason = match table.ignored(name) {
            Some(reason) => reason.to_owned(),
            None if is_from_file && !name.starts_with("AUTHD_") => {
                "it has no effect here".to_owned()
            }
            None => continue,
        };
        ignored.push(IgnoredVariable { name: name.clone(), origin: found.origin.clone(), reason });
    }
    ignored
}

fn is_limit(key: &str) -> bool {
    key.strip_prefix("limits.").is_some_and(|limit| limit.strip_suffix(".count").is_some())
}

fn is_zero(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty() && value.bytes().all(|byte| byte == b'0')
}

/// A count of 0 switches a limit off. To the author of a variable it reads as "none permitted", so
/// it must be said in so many words.
fn no_limit(name: &str, key: &str, found: &EnvVariable) -> Problem {
    let limit = key.trim_end_matches(".count");
    let message = format!(
        "expected 1 or more, got 0, which would switch the limit off; if that is meant, remove it \
         and set {}=off",
        variable_of(limit)
    );
    Problem::new(name, Some(found.origin.clone()), message)
}

fn add(
    layer: &mut Layer,
    key: String,
    value: &str,
    found: &EnvVariable,
    problems: &mut Vec<Problem>,
) {
    let given = SourcedValue { raw: Raw::Text(value.to_owned()), origin: found.origin.clone() };
    match layer.get(&key) {
        // The message quotes neither value, because it may be a secret.
        Some(there) if !is_same(&there.raw.to_text(), value) => {
            let (one, other) =
                (there.origin.variable().unwrap_or(""), found.origin.variable().unwrap_or(""));
            let message = format!(
                "{one} and {other} ({}) have different values: set only one of them",
                there.origin
            );
            problems.push(Problem::new(&key, Some(found.origin.clone()), message));
        }
        Some(_) => {}
        None => {
            layer.insert(key, given);
        }
    }
}

/// True if two spellings mean the same, like `900s` and `15m`.
fn is_same(a: &str, b: &str) -> bool {
    a.trim() == b.trim() || span::parse(a).is_some_and(|a| span::parse(b) == Some(a))
}
