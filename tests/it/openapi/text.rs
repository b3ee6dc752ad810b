//! An OpenAPI document as short texts: one for each operation, one for the schemas, one for the
//! errors, one for the rest.
//!
//! Nothing in a document is left out. What has a form of its own here is taken out of its object,
//! and what remains of the object is printed as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use authd::http::docs::openapi::header_ref;
use serde_json::{Map, Value, json};

use super::errors::Errors;

type Object = Map<String, Value>;

/// JSON that is longer than this gets a line for each member.
const WIDTH: usize = 100;
const SCHEMA: &str = "#/components/schemas/";
const LIMITS: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

/// The texts of a document by name.
pub fn texts(document: &Value) -> BTreeMap<String, String> {
    let errors = Errors::of(document);
    let mut rest = document.as_object().unwrap().clone();
    let mut texts = BTreeMap::new();
    let mut index = Vec::new();
    for (path, item) in rest.shift_remove("paths").unwrap().as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or("");
            index.push(Value::from(format!("{method} {path} {id}")));
            let text = operation_text(method, path, operation, &errors);
            let twice = texts.insert(format!("{}.{method}", name(path)), text);
            assert!(twice.is_none(), "{method} {path}: another operation has the same file name");
        }
    }
    rest.insert("operations".into(), index.into());
    let schemas = rest["components"].as_object_mut().unwrap().shift_remove("schemas").unwrap();
    let schemas = schemas.as_object().unwrap().iter().map(|(name, schema)| component(name, schema));
    texts.insert("schemas".into(), schemas.collect::<Vec<_>>().join("\n"));
    texts.insert("errors".into(), errors.text());
    texts.insert("document".into(), document_text(rest));
    texts
}

/// A file name for a path, without braces and slashes.
fn name(path: &str) -> String {
    let name = path.trim_start_matches('/').replace('/', "_").replace(['{', '}'], "");
    if name.is_empty() { "root".to_owned() } else { name }
}

fn document_text(mut rest: Object) -> String {
    let mut out = String::new();
    let about = rest
        .get_mut("info")
        .and_then(Value::as_object_mut)
        .and_then(|info| take_text(info, "description"));
    for (key, value) in &rest {
        match value {
            Value::Array(items) if !items.is_empty() => {
                writeln!(out, "{key}:").unwrap();
                for item in items {
                    writeln!(out, "  {}", plain(item, 2)).unwrap();
                }
            }
            Value::Object(members) if !members.is_empty() => {
                writeln!(out, "{key}:").unwrap();
                for (name, member) in members {
                    writeln!(out, "  {name}: {}", plain(member, 2)).unwrap();
                }
            }
            other => writeln!(out, "{key}: {}", plain(other, 0)).unwrap(),
        }
    }
    if let Some(about) = about {
        write!(out, "description:\n{}", indented(&about)).unwrap();
    }
    out
}

fn operation_text(method: &str, path: &str, operation: &Value, errors: &Errors) -> String {
    let mut rest = operation.as_object().unwrap().clone();
    let id = take_text(&mut rest, "operationId").unwrap_or_default();
    let mut out = format!("{} {path} {id}\n", method.to_uppercase());
    if let Some(summary) = take_text(&mut rest, "summary") {
        writeln!(out, "summary: {summary}").unwrap();
    }
    if let Some(description) = take_text(&mut rest, "description") {
        write!(out, "description:\n{}", indented(&description)).unwrap();
    }
    let parameters = rest.shift_remove("parameters");
    let body =
        rest.shift_remove("requestBody").map(|body| body_text(body, errors)).unwrap_or_default();
    let responses = responses_text(&take_members(&mut rest, "responses"), errors);
    for (key, value) in &rest {
        writeln!(out, "{key}: {}", plain(value, 0)).unwrap();
    }
    if let Some(parameters) = parameters {
        out.push_str("parameters:\n");
        parameters.as_array().unwrap().iter().for_each(|one| out.push_str(&parameter(one)));
    }
    out + &body + &responses
}

fn parameter(parameter: &Value) -> String {
    let mut rest = parameter.as_object().unwrap().clone();
    let place = rest.shift_remove("in").map(|place| plain(&place, 0)).unwrap_or_default();
    let name = rest.shift_remove("name").map(|name| plain(&name, 0)).unwrap_or_default();
    let is_required = rest.get("required") == Some(&json!(true));
    if is_required {
        rest.shift_remove("required");
    }
    let optional = if is_required { "" } else { "?" };
    let mut out = format!("  {place} {name}{optional}: ");
    described(&mut out, rest, 2);
    out
}

fn body_text(mut body: Value, errors: &Errors) -> String {
    let rest = body.as_object_mut().unwrap();
    take_default(rest, "required", &json!(true));
    let mut out = String::from("body");
    out.push_str(&content(&take_members(rest, "content"), errors));
    remainder(&mut out, rest, 2);
    out
}

/// All responses. Headers that every response has are named once.
fn responses_text(responses: &Object, errors: &Errors) -> String {
    let mut headers = responses.values().map(plain_headers);
    let first = headers.next().unwrap_or_default();
    let common: BTreeSet<_> =
        headers.fold(first, |common, these| common.intersection(&these).cloned().collect());
    let mut out = format!("headers of every response: {}\n", listed(&common));
    for (status, response) in responses {
        let mut rest = response.as_object().unwrap().clone();
        out.push_str(status);
        if let Some(description) = take_text(&mut rest, "description") {
            write!(out, " {}", description.replace('\n', "\n    ")).unwrap();
        }
        let headers = plain_headers(response);
        out.push_str(&content(&take_members(&mut rest, "content"), errors));
        let other: BTreeSet<_> = headers.difference(&common).cloned().collect();
        if !other.is_empty() {
            writeln!(out, "  + {}", listed(&other)).unwrap();
        }
        for (name, header) in take_members(&mut rest, "headers") {
            if !headers.contains(&name) {
                write!(out, "  + {name}: ").unwrap();
                described(&mut out, header.as_object().unwrap().clone(), 2);
            }
        }
        remainder(&mut out, &rest, 2);
    }
    out
}

/// The headers of a response that are no more than a reference to the header of the same name.
fn plain_headers(response: &Value) -> BTreeSet<String> {
    let all = response.get("headers").and_then(Value::as_object).into_iter().flatten();
    let plain = all.filter(|(name, header)| **header == header_ref(name));
    plain.map(|(name, _)| name.clone()).collect()
}

fn listed(names: &BTreeSet<String>) -> String {
    let has_all = LIMITS.iter().all(|name| names.contains(*name));
    let apart = names.iter().map(String::as_str).filter(|name| !has_all || !LIMITS.contains(name));
    apart.chain(has_all.then_some("X-RateLimit-*")).collect::<Vec<_>>().join(", ")
}

/// Ends the line with the media types, and prints their examples below.
fn content(content: &Object, errors: &Errors) -> String {
    let mut out = String::new();
    for (media_type, media) in content {
        let mut rest = media.as_object().unwrap().clone();
        let schema = rest.shift_remove("schema").map(|schema| in_line(&schema)).unwrap_or_default();
        let lead = if out.is_empty() { ": " } else { "  or " };
        writeln!(out, "{lead}{media_type} {schema}").unwrap();
        if let Some(example) = rest.shift_remove("example") {
            writeln!(out, "  example: {}", plain(&example, 2)).unwrap();
        }
        for (name, example) in take_members(&mut rest, "examples") {
            match errors.label(&name, &example) {
                Some(label) => writeln!(out, "  {label}").unwrap(),
                None => writeln!(out, "  {name}: {}", plain(unwrapped(&example), 2)).unwrap(),
            }
        }
        remainder(&mut out, &rest, 2);
    }
    if out.is_empty() { "\n".to_owned() } else { out }
}

/// The value of an example that has nothing else.
fn unwrapped(example: &Value) -> &Value {
    example
        .as_object()
        .filter(|members| members.len() == 1)
        .and_then(|members| members.get("value"))
        .unwrap_or(example)
}

/// A schema that has a name, with its properties.
fn component(name: &str, schema: &Value) -> String {
    let rest = schema.as_object().unwrap().clone();
    let mut out = format!("{name}: ");
    typed(&mut out, rest, 0);
    out
}

/// Ends the line with the schema and the description of a parameter or header.
fn described(out: &mut String, mut rest: Object, indent: usize) {
    let schema = rest.shift_remove("schema").map(|schema| in_line(&schema)).unwrap_or_default();
    out.push_str(&schema);
    let description =
        take_text(&mut rest, "description").map(|text| said(&text, indent)).unwrap_or_default();
    writeln!(out, "{description}").unwrap();
    remainder(out, &rest, indent + 2);
}

/// Ends the line with a schema, and prints its properties below, indented further.
fn typed(out: &mut String, mut rest: Object, indent: usize) {
    // A reference has no description of its own: it has one only if `allOf` is around it.
    let is_reference = rest.contains_key("$ref");
    let description = if is_reference { None } else { take_text(&mut rest, "description") };
    let properties = take_members(&mut rest, "properties");
    let required = take_required(&mut rest, &properties);
    if rest.len() == 1
        && description.is_some()
        && let Some([Value::Object(one)]) =
            rest.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
    {
        let one = one.clone();
        rest = one;
    }
    let description = description.map(|text| said(&text, indent)).unwrap_or_default();
    writeln!(out, "{}{description}", in_line(&rest.into())).unwrap();
    for (name, property) in properties {
        let optional = if required.contains(&name) { "" } else { "?" };
        write!(out, "{:indent$}  {name}{optional}: ", "").unwrap();
        typed(out, property.as_object().unwrap().clone(), indent + 2);
    }
}

/// A schema in one line: `Name`, `string(email)`, `Name[]`, `string | null`, and all else as JSON.
fn in_line(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return name.to_owned();
    }
    let Value::Object(mut rest) = schema.clone() else { return schema.to_string() };
    if rest.is_empty() {
        return "{}".to_owned();
    }
    let mut out = take_text(&mut rest, "type").unwrap_or_default();
    if let Some(format) = take_text(&mut rest, "format") {
        write!(out, "({format})").unwrap();
    }
    if out == "array"
        && let Some(items) = rest.shift_remove("items")
    {
        out = format!("{}[]", in_line(&items));
    }
    if rest.get("nullable") == Some(&json!(true)) {
        rest.shift_remove("nullable");
        out.push_str(" | null");
    }
    if !rest.is_empty() {
        write!(out, " {}", on_one_line(&rest.into())).unwrap();
    }
    out.trim_start().to_owned()
}

/// The schema's name, if this is no more than a reference to it.
fn referred(schema: &Value) -> Option<&str> {
    let schema = schema.as_object().filter(|schema| schema.len() == 1)?;
    schema.get("$ref")?.as_str()?.strip_prefix(SCHEMA)
}

/// Takes the list of required properties out, unless it names others or is empty.
fn take_required(rest: &mut Object, properties: &Object) -> BTreeSet<String> {
    let named = |list: &Value| -> Option<BTreeSet<String>> {
        list.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let required = rest.get("required").and_then(named).unwrap_or_default();
    if required.is_empty() || !required.iter().all(|name| properties.contains_key(name)) {
        return BTreeSet::new();
    }
    rest.shift_remove("required");
    required
}

/// Takes a text out. A value that is no text stays where it is.
fn take_text(rest: &mut Object, key: &str) -> Option<String> {
    let text = rest.get(key)?.as_str()?.to_owned();
    rest.shift_remove(key);
    Some(text)
}

/// Takes the members of an object out. A value that has none stays where it is.
fn take_members(rest: &mut Object, key: &str) -> Object {
    match rest.get(key) {
        Some(Value::Object(members)) if !members.is_empty() => {
            let members = members.clone();
            rest.shift_remove(key);
            members
        }
        _ => Object::new(),
    }
}

/// Takes the usual value of a key out, which goes without saying. A key that is missing is put in as
/// null, because that must be said.
fn take_default(rest: &mut Object, key: &str, usual: &Value) -> bool {
    let is_usual = rest.get(key) == Some(usual);
    if is_usual {
        rest.shift_remove(key);
    } else {
        rest.entry(key).or_insert(Value::Null);
    }
    is_usual
}

fn remainder(out: &mut String, rest: &Object, indent: usize) {
    for (key, value) in rest {
        writeln!(out, "{:indent$}{key}: {}", "", plain(value, indent)).unwrap();
    }
}

fn said(description: &str, indent: usize) -> String {
    format!(" — {}", description.replace('\n', &format!("\n{:indent$}    ", "")))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}

/// A text of one line as it is, all else as JSON.
fn plain(value: &Value, indent: usize) -> String {
    match value.as_str() {
        Some(text) if !text.contains('\n') => text.to_owned(),
        _ => lines(value, indent),
    }
}

/// JSON on one line if it fits, else with a line for each member.
pub fn lines(value: &Value, indent: usize) -> String {
    let line = on_one_line(value);
    if indent + line.len() <= WIDTH {
        return line;
    }
    let members: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| lines(item, indent + 2)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| format!("{key:?}: {}", lines(value, indent + 2)))
            .collect(),
        _ => return line,
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    let members = members.join(&format!(",\n{:indent$}  ", ""));
    format!("{open}\n{0:indent$}  {members},\n{0:indent$}{close}", "")
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(on_one_line).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) if !map.is_empty() => {
            let members = map.iter().map(|(key, value)| format!("{key:?}: {}", on_one_line(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
