//! Places in a JSON document, as pointers, and what the document is with one of them changed.

use serde_json::{Map, Value};

/// Keys whose members have names that the API chose.
const NAMED: [&str; 9] = [
    "paths",
    "schemas",
    "properties",
    "responses",
    "headers",
    "content",
    "examples",
    "securitySchemes",
    "security",
];

/// Pointers to every text, number, truth value and empty container.
pub fn all(document: &Value) -> impl Iterator<Item = String> + use<> {
    let mut found = Vec::new();
    collect(document, "", &mut found);
    found.into_iter()
}

fn collect(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter()
                .for_each(|(key, value)| collect(value, &format!("{at}/{}", escaped(key)), found));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| collect(item, &format!("{at}/{index}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

/// A key as a part of a pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The pointer without names and numbers, the same for all places of one kind.
pub fn kind(place: &str) -> String {
    let mut parts = Vec::new();
    let mut is_name = false;
    for part in place.split('/') {
        let is_number = part.parse::<usize>().is_ok();
        parts.push(if is_name || is_number { "*" } else { part });
        // The contents of an example are all of one kind.
        if !is_name && (part == "example" || part == "value") {
            break;
        }
        is_name = !is_name && NAMED.contains(&part);
    }
    parts.join("/")
}

/// The document without the operations and schemas that this place is not in, which are many.
pub fn around(document: &Value, place: &str) -> Value {
    let kept = |at: &str, members: &Map<String, Value>| {
        let is_around = |name: &str| place.starts_with(&format!("{at}/{}/", escaped(name)));
        let kept = members.iter().filter(|(name, _)| is_around(name));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
    };
    let mut around = document.as_object().unwrap().clone();
    around["paths"] = kept("/paths", document["paths"].as_object().unwrap()).into();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    around["components"]["schemas"] = kept("/components/schemas", schemas).into();
    around.into()
}

/// The document with another value at this place.
pub fn changed(document: &Value, place: &str) -> Value {
    let mut document = document.clone();
    let value = document.pointer_mut(place).unwrap();
    *value = match value {
        Value::String(text) => format!("{text}!").into(),
        Value::Bool(truth) => (!*truth).into(),
        _ => "changed".into(),
    };
    document
}

/// The document without the key or item at this place.
pub fn without(document: &Value, place: &str) -> Value {
    let mut document = document.clone();
    let (parent, last) = place.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) => _ = map.shift_remove(&last.replace("~1", "/").replace("~0", "~")),
        Value::Array(items) => _ = items.remove(last.parse().unwrap()),
        other => panic!("{place}: {other} has no members"),
    }
    document
}
