//! The environment as a layer: `AUTHD_` names, the names that the profile's document uses, and contradictions.

use std::collections::BTreeMap;

use super::env_file;
use super::layer::{Given, Layer, Origin, Raw};
use super::problem::Problem;
use super::profile::EnvTable;
use super::span;

/// Short names that are used so often that nobody wants to write the section.
const SHORT: [(&str, &str); 2] = [("listen", "server.listen"), ("public_url", "server.public_url")];

/// Names of ours that are read elsewhere or by nobody, and stand for no key.
const NOT_KEYS: [&str; 2] = ["AUTHD_MASTER_KEY", "AUTHD_TEST_POSTGRES"];

/// A variable that is set, not honoured, and worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredVariable {
    /// Its name.
    pub name: String,
    /// Where it was found.
    pub origin: Origin,
    /// Why it means nothing here.
    pub reason: String,
}

/// A variable and where it was found.
pub(super) struct Found {
    pub value: String,
    pub origin: Origin,
}

/// All variables by name: those of the process over those of the env file; an empty one counts as unset.
pub(super) fn gather(
    process: &BTreeMap<String, String>,
    file: Vec<env_file::Variable>,
    file_name: &str,
) -> BTreeMap<String, Found> {
    let from_file = file.into_iter().map(|v| {
        let origin = Origin::EnvFile { file: file_name.to_owned(), line: v.line, name: v.name.clone() };
        (v.name, Found { value: v.value, origin })
    });
    let from_process = process
        .iter()
        .map(|(name, value)| (name.clone(), Found { value: value.clone(), origin: Origin::Env(name.clone()) }));
    let mut all: BTreeMap<String, Found> = from_file.collect();
    all.extend(from_process.filter(|(_, found)| !found.value.is_empty()));
    all.retain(|_, found| !found.value.is_empty());
    all
}

/// The key behind a flag's or a variable's own name.
pub(super) fn key_of(name: &str) -> String {
    let key = name.replace('-', "_").replace("__", ".");
    SHORT.iter().find(|(short, _)| *short == key).map_or(key, |(_, long)| (*long).to_owned())
}

/// The layer of the `AUTHD_` names.
pub(super) fn own_names(all: &BTreeMap<String, Found>, problems: &mut Vec<Problem>) -> Layer {
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

/// Container platforms describe a service named `authd` to its neighbours in names like these; they are not meant for us.
fn is_service_link(rest: &str, value: &str) -> bool {
    let has_port = |text: &str| text == "PORT" || text.strip_prefix("PORT_").is_some_and(|rest| !rest.starts_with('_'));
    match rest.strip_prefix("SERVICE_") {
        Some(rest) => rest == "HOST" || has_port(rest),
        // Somebody's own AUTHD_PORT=3000 is a mistake worth telling.
        None if rest == "PORT" => value.contains("://"),
        None => has_port(rest),
    }
}

/// Adds the names that the profile's document uses to the layer; gives back those without a meaning.
pub(super) fn document_names(
    all: &BTreeMap<String, Found>,
    table: &EnvTable,
    layer: &mut Layer,
    problems: &mut Vec<Problem>,
) -> Vec<IgnoredVariable> {
    let mut ignored = Vec::new();
    for (name, found) in all {
        if let Some(meaning) = table.honoured.get(name) {
            let value = meaning.translate(&found.value);
            for key in &meaning.keys {
                add(layer, key.clone(), &value, found, problems);
            }
            continue;
        }
        let is_from_file = matches!(found.origin, Origin::EnvFile { .. });
        let reason = match table.ignored(name) {
            Some(reason) => reason.to_owned(),
            None if is_from_file && !name.starts_with("AUTHD_") => "it has no meaning here".to_owned(),
            None => continue,
        };
        ignored.push(IgnoredVariable { name: name.clone(), origin: found.origin.clone(), reason });
    }
    ignored
}

fn add(layer: &mut Layer, key: String, value: &str, found: &Found, problems: &mut Vec<Problem>) {
    let given = Given { raw: Raw::Text(value.to_owned()), origin: found.origin.clone() };
    match layer.get(&key) {
        // Neither value is quoted: it may be a secret.
        Some(there) if !is_same(&there.raw.to_text(), value) => {
            let (one, other) = (there.origin.variable().unwrap_or(""), found.origin.variable().unwrap_or(""));
            let message = format!("{one} and {other} ({}) say different things: give one of them", there.origin);
            problems.push(Problem::new(&key, Some(found.origin.clone()), message));
        }
        Some(_) => {}
        None => {
            layer.insert(key, given);
        }
    }
}

/// True when two spellings mean the same: `900s` and `15m`.
fn is_same(a: &str, b: &str) -> bool {
    a.trim() == b.trim() || span::parse(a).is_some_and(|a| span::parse(b) == Some(a))
}
