//! The examples of errors. Most operations share them, so each is printed once, and operations name
//! it by its code.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::text::lines;

/// The different errors of a document by the names that tell them apart.
pub struct Errors(BTreeMap<String, Value>);

impl Errors {
    pub fn of(document: &Value) -> Self {
        let mut by_code: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for (name, example) in examples(document) {
            let same_code = by_code.entry(code(name)).or_default();
            if !same_code.contains(&example) {
                same_code.push(example);
            }
        }
        Self(by_code.into_iter().flat_map(|(code, examples)| distinct(code, &examples)).collect())
    }

    /// How an operation names this example, if it is an error. Errors of the same status and code
    /// have a number in the key.
    pub fn label(&self, key: &str, example: &Value) -> Option<String> {
        let same_code =
            self.0.iter().filter(|(label, _)| label.split(':').next() == Some(code(key)));
        let (label, _) = same_code.into_iter().find(|(_, known)| *known == example)?;
        Some(label.replacen(code(key), key, 1))
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (label, example) in &self.0 {
            let members = example.as_object().filter(|members| members.len() == 1);
            let value = members.and_then(|members| members.get("value")).unwrap_or(example);
            writeln!(text, "{label}\n  {}", lines(value, 2)).unwrap();
        }
        text
    }
}

/// The examples of all error responses, with their keys.
fn examples(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let operations = members(&document["paths"]).flat_map(|(_, item)| members(item));
    let responses = operations.flat_map(|(_, operation)| members(&operation["responses"]));
    let media = responses.flat_map(|(_, response)| members(&response["content"]));
    media
        .flat_map(|(_, media)| members(&media["examples"]))
        .map(|(key, example)| (key.as_str(), example))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The code in a key like `VALIDATION_ERROR-2`.
fn code(key: &str) -> &str {
    key.split('-').next().unwrap_or(key)
}

/// Names for the errors of a code: the code alone, else with the message, else with all of it.
fn distinct(code: &str, examples: &[&Value]) -> Vec<(String, Value)> {
    let levels: [&dyn Fn(&Value) -> String; 3] = [
        &|_| code.to_owned(),
        &|example| format!("{code}: {}", message(example).unwrap_or_default()),
        &|example| format!("{code}: {example}"),
    ];
    let named = levels
        .iter()
        .map(|name| examples.iter().map(|example| (name(example), (*example).clone())));
    let mut named = named.map(Iterator::collect::<BTreeMap<_, _>>);
    named.find(|named| named.len() == examples.len()).unwrap_or_default().into_iter().collect()
}

/// The first message in an envelope, at any depth.
fn message(value: &Value) -> Option<&str> {
    let members = value.as_object()?;
    members.get("message").and_then(Value::as_str).or_else(|| members.values().find_map(message))
}
