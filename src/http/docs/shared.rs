//! What several operations of an OpenAPI document have in common is stated once: examples of errors,
//! whole responses and parameters in its components, and the headers of almost every response in an
//! extension.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const EXAMPLES: &str = "#/components/examples/";
const RESPONSES: &str = "#/components/responses/";
const PARAMETERS: &str = "#/components/parameters/";

/// The extension with the headers of each response that does not list [`REQUEST_ID`] itself.
const COMMON_HEADERS: &str = "x-common-headers";
/// Every response has this header.
const REQUEST_ID: &str = "X-Request-ID";

/// States repeated headers, examples of errors, responses and parameters once. Call this last: a
/// shared part can no longer be changed for one operation. `common` are the headers of almost every
/// response.
pub fn share(document: &mut Value, common: &Map<String, Value>) {
    let mut examples = Parts::default();
    each_response(document, |_, status, response| {
        take_common_headers(response, common);
        if is_error(status) {
            share_examples(response, &mut examples);
        }
    });
    document[COMMON_HEADERS] = common.clone().into();
    document["components"]["examples"] = examples.named.into();

    let mut uses = Uses::default();
    each_response(document, |_, _, response| uses.note(response));
    let mut responses = Parts::default();
    each_response(document, |_, status, response| {
        if uses.is_repeated(response) {
            let shared = responses.name(&name_of(status, response), response);
            *response = json!({ "$ref": format!("{RESPONSES}{shared}") });
        }
    });
    document["components"]["responses"] = responses.named.into();

    let mut uses = Uses::default();
    each_parameter(document, |_, parameter| uses.note(parameter));
    let mut parameters = Parts::default();
    each_parameter(document, |_, parameter| {
        if uses.is_repeated(parameter) {
            let name = parameter["name"].as_str().unwrap_or_default();
            let shared = parameters.name(name, parameter);
            *parameter = json!({ "$ref": format!("{PARAMETERS}{shared}") });
        }
    });
    if !parameters.named.is_empty() {
        document["components"]["parameters"] = parameters.named.into();
    }
}

fn is_error(status: &str) -> bool {
    status.starts_with(['4', '5'])
}

/// Removes the common headers from a response that has all of them.
fn take_common_headers(response: &mut Value, common: &Map<String, Value>) {
    let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else { return };
    if common.iter().all(|(name, header)| headers.get(name) == Some(header)) {
        headers.retain(|name, _| !common.contains_key(name));
        if headers.is_empty() {
            response.as_object_mut().map(|members| members.shift_remove("headers"));
        }
    }
}

fn share_examples(response: &mut Value, examples: &mut Parts) {
    for media in members_of(response, "content") {
        for (name, example) in media.get_mut("examples").into_iter().flat_map(entries_mut) {
            let code = name.split('-').next().unwrap_or(name);
            let shared = examples.name(code, example);
            *example = json!({ "$ref": format!("{EXAMPLES}{shared}") });
        }
    }
}

/// A short name for a response that most operations refer to, else the name of its schema or what
/// its description says.
fn name_of(status: &str, response: &Value) -> String {
    let said = || {
        let said = response["description"].as_str().unwrap_or("Response");
        // OpenAPI allows no other characters in the name of a component.
        said.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect()
    };
    match status {
        "413" => "TooLarge".to_owned(),
        "415" => "MediaType".to_owned(),
        "429" => "TooMany".to_owned(),
        "500" => "Internal".to_owned(),
        "503" => "Unavailable".to_owned(),
        _ if is_error(status) => said(),
        _ => {
            let schema = response.pointer("/content/application~1json/schema/$ref");
            let name = schema.and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
            name.map_or_else(said, str::to_owned)
        }
    }
}

/// The document with everything that is stated once in each of its places.
#[must_use]
pub fn inlined(document: &Value) -> Value {
    let mut whole = document.clone();
    let common = whole.as_object_mut().and_then(|all| all.shift_remove(COMMON_HEADERS));
    each_response(&mut whole, |document, status, response| {
        replace(document, response);
        if let Some(Value::Object(common)) = &common {
            add_common_headers(response, common);
        }
        if is_error(status) {
            for media in members_of(response, "content") {
                members_of(media, "examples").for_each(|example| replace(document, example));
            }
        }
    });
    each_parameter(&mut whole, replace);
    if let Some(components) = whole["components"].as_object_mut() {
        for shared in ["examples", "responses", "parameters"] {
            components.shift_remove(shared);
        }
    }
    whole
}

fn add_common_headers(response: &mut Value, common: &Map<String, Value>) {
    if response["headers"].get(REQUEST_ID).is_some() {
        return;
    }
    let mut headers = common.clone();
    headers.extend(response["headers"].as_object().cloned().into_iter().flatten());
    response["headers"] = headers.into();
}

/// Replaces a reference by what it refers to.
fn replace(document: &Value, part: &mut Value) {
    let pointer = part.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
    if let Some(found) = pointer.and_then(|pointer| document.pointer(pointer)) {
        *part = found.clone();
    }
}

/// How often each part occurs.
#[derive(Default)]
struct Uses(BTreeMap<String, usize>);

impl Uses {
    fn note(&mut self, part: &Value) {
        *self.0.entry(part.to_string()).or_default() += 1;
    }

    fn is_repeated(&self, part: &Value) -> bool {
        self.0.get(&part.to_string()).is_some_and(|uses| *uses > 1)
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

/// Runs `work` on every response of every operation, with the document as it is without them.
fn each_response(document: &mut Value, mut work: impl FnMut(&Value, &str, &mut Value)) {
    each_operation(document, |document, operation| {
        for (status, response) in entries_mut(&mut operation["responses"]) {
            work(document, status, response);
        }
    });
}

/// Runs `work` on every parameter of every operation, with the document as it is without them.
fn each_parameter(document: &mut Value, mut work: impl FnMut(&Value, &mut Value)) {
    each_operation(document, |document, operation| {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        parameters.into_iter().flatten().for_each(|parameter| work(document, parameter));
    });
}

fn each_operation(document: &mut Value, mut work: impl FnMut(&Value, &mut Value)) {
    let mut paths = document["paths"].take();
    for operation in members_mut(&mut paths).flat_map(members_mut) {
        work(document, operation);
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
    fn the_name_of_a_response_has_only_characters_that_a_component_may_have() {
        let file = json!({ "description": "The file, with `its` own (media) type" });
        assert_eq!(name_of("200", &file), "Thefilewithitsownmediatype");
    }

    #[test]
    fn what_is_shared_is_stated_once_and_found_again() {
        let common = json!({ "X-Request-ID": { "a": 1 }, "X-Limit": { "b": 2 } });
        let common = common.as_object().unwrap();
        let wrong = |word: &str| {
            json!({
                "description": "Not Found",
                "headers": { "X-Request-ID": { "a": 1 }, "X-Limit": { "b": 2 }, "Retry-After": {} },
                "content": { "application/json": { "examples": {
                    "GONE": { "value": { "code": "GONE" } },
                    "GONE-2": { "value": { "code": "GONE", "word": word } },
                } } },
            })
        };
        let fine = json!({
            "description": "OK",
            "headers": { "X-Request-ID": { "a": 1 }, "X-Limit": { "b": 2 } },
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Done" } } },
        });
        let uncounted = json!({ "description": "OK", "headers": { "X-Request-ID": { "a": 1 } } });
        let page = json!({ "name": "page", "in": "query" });
        let whole = json!({
            "paths": {
                "/a": { "get": { "responses": { "200": fine, "404": wrong("a") }, "parameters": [page] } },
                "/b": { "get": {
                    "responses": { "200": fine, "404": wrong("a") },
                    "summary": "B",
                    "parameters": [page, { "name": "page", "in": "path" }],
                } },
                "/c": { "get": { "responses": { "200": uncounted, "404": wrong("c") } } },
            },
            "components": { "schemas": { "Done": {} } },
        });
        let mut shared = whole.clone();
        share(&mut shared, common);
        let at = |pointer: &str| shared.pointer(pointer).unwrap().clone();
        assert_eq!(at("/components/examples").as_object().unwrap().len(), 3);
        let same = json!({ "$ref": "#/components/responses/NotFound" });
        assert_eq!(at("/paths/~1a/get/responses/404"), same);
        assert_eq!(at("/paths/~1b/get/responses/404"), same);
        let done = json!({ "$ref": "#/components/responses/Done" });
        assert_eq!(at("/paths/~1b/get/responses/200"), done);
        assert_eq!(at("/components/responses/Done").get("headers"), None);
        assert_eq!(at("/components/responses/NotFound/headers"), json!({ "Retry-After": {} }));
        assert_eq!(at("/paths/~1c/get/responses/200"), uncounted);
        let own = at("/paths/~1c/get/responses/404/content/application~1json/examples/GONE-2");
        assert_eq!(own, json!({ "$ref": "#/components/examples/GONE-3" }));
        let page = json!({ "$ref": "#/components/parameters/page" });
        assert_eq!(at("/paths/~1a/get/parameters/0"), page);
        assert_eq!(at("/paths/~1b/get/parameters/1/in"), "path");
        assert_eq!(inlined(&shared), whole);
    }
}
