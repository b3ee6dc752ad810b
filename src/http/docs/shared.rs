//! What several operations of an OpenAPI document have in common: the examples of errors and whole
//! error responses are stated once, in its components, and referred to.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const EXAMPLES: &str = "#/components/examples/";
const RESPONSES: &str = "#/components/responses/";

/// Moves repeated examples and responses of errors to the components of a document. Call this last:
/// a shared response can no longer be changed for one operation.
pub fn share(document: &mut Value) {
    let mut examples = Parts::default();
    each_error(document, |_, _, response| {
        for media in members_of(response, "content") {
            for (name, example) in media.get_mut("examples").into_iter().flat_map(entries_mut) {
                let code = name.split('-').next().unwrap_or(name);
                let shared = examples.name(code, example);
                *example = json!({ "$ref": format!("{EXAMPLES}{shared}") });
            }
        }
    });
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    each_error(document, |_, _, response| *uses.entry(response.to_string()).or_default() += 1);
    let mut responses = Parts::default();
    each_error(document, |_, status, response| {
        if uses.get(&response.to_string()).is_some_and(|uses| *uses > 1) {
            let shared = responses.name(&name_of(status, response), response);
            *response = json!({ "$ref": format!("{RESPONSES}{shared}") });
        }
    });
    document["components"]["examples"] = examples.named.into();
    document["components"]["responses"] = responses.named.into();
}

/// A short name for a response that most operations refer to, else what its description says.
fn name_of(status: &str, response: &Value) -> String {
    match status {
        "413" => "TooLarge".to_owned(),
        "415" => "MediaType".to_owned(),
        "429" => "TooMany".to_owned(),
        "500" => "Internal".to_owned(),
        "503" => "Unavailable".to_owned(),
        _ => response["description"].as_str().unwrap_or("Error").replace(' ', ""),
    }
}

/// The document with the shared examples and responses in their places.
#[must_use]
pub fn inlined(document: &Value) -> Value {
    let mut whole = document.clone();
    each_error(&mut whole, |document, _, response| {
        replace(document, response);
        for media in members_of(response, "content") {
            members_of(media, "examples").for_each(|example| replace(document, example));
        }
    });
    if let Some(components) = whole["components"].as_object_mut() {
        components.shift_remove("examples");
        components.shift_remove("responses");
    }
    whole
}

/// Replaces a reference by what it refers to.
fn replace(document: &Value, part: &mut Value) {
    let pointer = part.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
    if let Some(found) = pointer.and_then(|pointer| document.pointer(pointer)) {
        *part = found.clone();
    }
}

/// Parts with a name each. Parts that differ and would have the same name get a number.
#[derive(Default)]
struct Parts {
    named: Map<String, Value>,
}

impl Parts {
    fn name(&mut self, wanted: &str, part: &Value) -> String {
        let mut name = wanted.to_owned();
        let mut number = 1;
        while self.named.get(&name).is_some_and(|known| known != part) {
            number += 1;
            name = format!("{wanted}-{number}");
        }
        self.named.entry(name.clone()).or_insert_with(|| part.clone());
        name
    }
}

/// Runs `work` on every error response of every operation, with the document as it is without them.
fn each_error(document: &mut Value, mut work: impl FnMut(&Value, &str, &mut Value)) {
    let mut paths = document["paths"].take();
    for operation in members_mut(&mut paths).flat_map(members_mut) {
        for (status, response) in entries_mut(&mut operation["responses"]) {
            if status.starts_with(['4', '5']) {
                work(document, status, response);
            }
        }
    }
    document["paths"] = paths;
}

fn entries_mut(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

/// The members of a member, which may be missing.
fn members_of<'a>(value: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(name).into_iter().flat_map(members_mut)
}

fn members_mut(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    entries_mut(value).map(|(_, member)| member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_stated_once_and_found_again() {
        let wrong = |word: &str| {
            json!({
                "description": "Not Found",
                "content": { "application/json": { "examples": {
                    "GONE": { "value": { "code": "GONE" } },
                    "GONE-2": { "value": { "code": "GONE", "word": word } },
                } } },
            })
        };
        let whole = json!({
            "paths": {
                "/a": { "get": { "responses": { "200": { "description": "OK" }, "404": wrong("a") } } },
                "/b": { "get": { "responses": { "404": wrong("a") }, "summary": "B" } },
                "/c": { "get": { "responses": { "404": wrong("c") } } },
            },
            "components": { "schemas": {} },
        });
        let mut shared = whole.clone();
        share(&mut shared);
        let at = |pointer: &str| shared.pointer(pointer).unwrap().clone();
        assert_eq!(at("/components/examples").as_object().unwrap().len(), 3);
        assert_eq!(at("/components/responses").as_object().unwrap().len(), 1);
        let same = json!({ "$ref": "#/components/responses/NotFound" });
        assert_eq!(at("/paths/~1a/get/responses/404"), same);
        assert_eq!(at("/paths/~1b/get/responses/404"), same);
        let own = at("/paths/~1c/get/responses/404/content/application~1json/examples/GONE-2");
        assert_eq!(own, json!({ "$ref": "#/components/examples/GONE-3" }));
        assert_eq!(inlined(&shared), whole);
    }
}
