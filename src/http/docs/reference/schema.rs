//! Reads the fields of a request or response schema, with their types and rules.

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::Value;

use crate::http::docs::reference::text::{Inline, inline};

/// Maximum nesting depth, because a schema may refer to itself.
const DEPTH: usize = 6;

/// The direction of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server: required fields are marked.
    In,
    /// To the client: optional fields are marked.
    Out,
}

/// Whether a field is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
}

/// The fields of an object, of the items of an array, or parameters; empty for a plain value.
#[derive(Default, Template)]
#[template(path = "docs/reference/fields.html")]
pub struct FieldList<'a> {
    pub rows: Vec<FieldView<'a>>,
}

impl HtmlSafe for FieldList<'_> {}

/// One field or parameter.
pub struct FieldView<'a> {
    pub name: &'a str,
    /// The type in words.
    pub kind: String,
    pub mark: Option<Mark>,
    pub description: Inline<'a>,
    pub rules: Vec<FieldRule>,
    /// Where a parameter is.
    pub place: Option<&'a str>,
    pub nested: FieldList<'a>,
}

impl FieldView<'_> {
    /// Whether there is more to say than the name and the type.
    fn is_explained(&self) -> bool {
        !self.rules.is_empty() || !self.description.is_empty()
    }
}

/// What is said of a field: the less usual presence in its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Required,
    Optional,
}

/// A rule in words, with the values that it names.
pub struct FieldRule {
    words: String,
    codes: Vec<String>,
}

impl FieldRule {
    fn saying(words: String) -> Self {
        Self { words, codes: Vec::new() }
    }

    fn naming(words: &str, codes: Vec<String>) -> Self {
        Self { words: words.to_owned(), codes }
    }
}

/// Reads the fields of a schema.
pub fn fields<'a>(document: &'a Value, schema: &'a Value, way: Way) -> FieldList<'a> {
    nested(document, schema, way, DEPTH)
}

fn nested<'a>(document: &'a Value, schema: &'a Value, way: Way, depth: usize) -> FieldList<'a> {
    let schema = resolved(document, schema);
    if depth == 0 {
        return FieldList::default();
    }
    if let Some(items) = schema.get("items") {
        return nested(document, items, way, depth - 1);
    }
    let presence = |name: &str| match schema["required"].as_array() {
        Some(names) if names.iter().any(|required| required == name) => Presence::Required,
        _ => Presence::Optional,
    };
    let rows =
        schema["properties"].as_object().into_iter().flatten().map(|(name, property)| FieldView {
            nested: nested(document, property, way, depth - 1),
            ..field(document, name, property, way, presence(name))
        });
    FieldList { rows: rows.collect() }
}

/// Reads one field or parameter, without the fields in it.
pub fn field<'a>(
    document: &'a Value,
    name: &'a str,
    schema: &'a Value,
    way: Way,
    presence: Presence,
) -> FieldView<'a> {
    let inner = resolved(document, schema);
    let mark = match (way, presence) {
        (Way::In, Presence::Required) => Some(Mark::Required),
        (Way::Out, Presence::Optional) => Some(Mark::Optional),
        _ => None,
    };
    let description = schema["description"].as_str().or_else(|| inner["description"].as_str());
    let mut said = rules(inner);
    if said.is_empty() && inner.get("items").is_some() {
        said = rules(resolved(document, &inner["items"]));
    }
    FieldView {
        name,
        kind: kind(document, inner),
        mark,
        description: inline(description.unwrap_or("")),
        rules: said,
        place: None,
        nested: FieldList::default(),
    }
}

/// The type in words.
fn kind(document: &Value, schema: &Value) -> String {
    let mut kind = match schema["type"].as_str() {
        Some("array") => {
            format!("array of {}", kind(document, resolved(document, &schema["items"])))
        }
        Some(plain) => plain.to_owned(),
        None if schema.get("properties").is_some() => "object".to_owned(),
        None => "any".to_owned(),
    };
    if let Some(format) =
        schema["format"].as_str().filter(|format| !matches!(*format, "int32" | "int64"))
    {
        kind = format!("{kind} ({format})");
    }
    if schema["nullable"] == true {
        kind.push_str(" or null");
    }
    kind
}

fn rules(schema: &Value) -> Vec<FieldRule> {
    let mut rules = Vec::new();
    for (low, high, unit) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minimum", "maximum", ""),
    ] {
        let figure = |key| schema.get(key).filter(|figure: &&Value| figure.is_number());
        rules.extend(match (figure(low), figure(high)) {
            (Some(low), Some(high)) => Some(FieldRule::saying(format!("{low} to {high}{unit}"))),
            (Some(low), None) => Some(FieldRule::saying(format!("at least {low}{unit}"))),
            (None, Some(high)) => Some(FieldRule::saying(format!("at most {high}{unit}"))),
            (None, None) => None,
        });
    }
    if let Some(default) = schema.get("default") {
        rules.push(FieldRule::naming("default", vec![default.to_string()]));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        rules.push(FieldRule::naming("like", vec![pattern.to_owned()]));
    }
    let values: Vec<_> = schema["enum"].as_array().into_iter().flatten().map(plain).collect();
    if !values.is_empty() {
        rules.push(FieldRule::naming("one of", values));
    }
    rules
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Resolves a `$ref`, or an `allOf` with one element that only adds a description.
pub fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..DEPTH {
        let pointed =
            schema["$ref"].as_str().and_then(|link| document.pointer(link.strip_prefix('#')?));
        let wrapped = || schema["allOf"].as_array().and_then(|all| all.first());
        match pointed.or_else(wrapped) {
            Some(inner) => schema = inner,
            None => break,
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_holds_itself_comes_to_an_end() {
        let document = json!({ "components": { "schemas": { "Node": {
            "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Node" } },
        } } } });
        let node = json!({ "$ref": "#/components/schemas/Node" });
        let shown = fields(&document, &node, Way::Out);
        assert_eq!(shown.to_string().matches(">next<").count(), DEPTH);
        let own = json!({ "a": { "$ref": "#/a" } });
        assert!(fields(&own, &own["a"], Way::In).rows.is_empty());
    }

    #[test]
    fn rules_are_said_in_words() {
        let schema = json!({ "type": "string", "minLength": 3, "maxLength": 9, "enum": ["a", 1], "nullable": true });
        let document = json!({});
        let rows = vec![field(&document, "x", &schema, Way::In, Presence::Required)];
        let shown = FieldList { rows }.to_string();
        for said in ["string or null", "3 to 9 characters", "<code>a</code>", "required"] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
    }
}
