//! A part of an OpenAPI document: some of its paths, and of its components what they refer to.

use std::collections::BTreeSet;

use serde_json::Value;

/// Components that are used by their bare names.
const BY_NAME: &str = "securitySchemes";
const COMPONENTS: &str = "#/components";

/// The part of a document with these paths.
#[must_use]
pub fn part(document: &Value, is_in: impl Fn(&str) -> bool) -> Value {
    let mut part = document.clone();
    if let Some(paths) = part["paths"].as_object_mut() {
        paths.retain(|path, _| is_in(path));
    }
    let mut components = part["components"].take();
    let (mut used, mut open) = (BTreeSet::new(), references(&part));
    while let Some(reference) = open.pop() {
        let target = reference.strip_prefix(COMPONENTS).and_then(|at| components.pointer(at));
        open.extend(target.filter(|_| !used.contains(&reference)).into_iter().flat_map(references));
        used.insert(reference);
    }
    for (kind, all) in components.as_object_mut().into_iter().flatten() {
        if let Some(all) = all.as_object_mut().filter(|_| kind != BY_NAME) {
            all.retain(|name, _| used.contains(&format!("{COMPONENTS}/{kind}/{name}")));
        }
    }
    part["components"] = components;
    let tags = tags_of(&part);
    if let Some(all) = part["tags"].as_array_mut() {
        all.retain(|tag| tag["name"].as_str().is_some_and(|name| tags.contains(name)));
    }
    part
}

/// Where this value and what is in it refer to.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The groups that the operations of a document are in.
fn tags_of(document: &Value) -> BTreeSet<String> {
    let items = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = items.filter_map(Value::as_object).flat_map(|item| item.values());
    let tags = operations.filter_map(|operation| operation["tags"].as_array()).flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_has_its_paths_and_what_they_refer_to_at_any_depth() {
        let refer = |to: &str| json!({ "$ref": format!("#/components/{to}") });
        let operation = |tag: &str, to: &str| json!({ "get": { "tags": [tag], "responses": { "200": refer(to) } } });
        let document = json!({
            "tags": [{ "name": "A" }, { "name": "B" }],
            "paths": { "/a": operation("A", "responses/One"), "/b": operation("B", "responses/Two") },
            "components": {
                "responses": { "One": refer("schemas/Tree"), "Two": refer("schemas/Leaf") },
                "schemas": { "Tree": { "items": refer("schemas/Tree") }, "Leaf": {} },
                "securitySchemes": { "bearerAuth": {} },
            },
        });
        let part = part(&document, |path| path == "/a");
        assert_eq!(part["tags"], json!([{ "name": "A" }]));
        assert_eq!(part["paths"], json!({ "/a": operation("A", "responses/One") }));
        assert_eq!(
            part["components"],
            json!({
                "responses": { "One": refer("schemas/Tree") },
                "schemas": { "Tree": { "items": refer("schemas/Tree") } },
                "securitySchemes": { "bearerAuth": {} },
            })
        );
    }
}
