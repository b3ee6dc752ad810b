//! Renders the fields of a request or response schema, with their types and rules.

use serde_json::Value;

use crate::http::docs::reference::html::{escape, inline};

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

/// Renders the fields of an object, or of the items of an array; empty for a plain value.
pub fn fields(document: &Value, schema: &Value, way: Way) -> String {
    nested(document, schema, way, DEPTH)
}

fn nested(document: &Value, schema: &Value, way: Way, depth: usize) -> String {
    let schema = resolved(document, schema);
    if depth == 0 {
        return String::new();
    }
    if let Some(items) = schema.get("items") {
        return nested(document, items, way, depth - 1);
    }
    let Some(properties) =
        schema["properties"].as_object().filter(|properties| !properties.is_empty())
    else {
        return String::new();
    };
    let presence = |name: &str| match schema["required"].as_array() {
        Some(names) if names.iter().any(|required| required == name) => Presence::Required,
        _ => Presence::Optional,
    };
    let rows = properties.iter().map(|(name, property)| {
        let row = field(document, name, property, way, presence(name));
        format!("<li>{row}{}</li>", nested(document, property, way, depth - 1))
    });
    format!("<ul class=\"fields\">{}</ul>", rows.collect::<Vec<_>>().concat())
}

/// Renders one field or parameter: its name, type, rules and description.
pub fn field(document: &Value, name: &str, schema: &Value, way: Way, presence: Presence) -> String {
    let inner = resolved(document, schema);
    let sign = match (way, presence) {
        (Way::In, Presence::Required) => "<em class=\"required\">required</em>",
        (Way::Out, Presence::Optional) => "<em>optional</em>",
        _ => "",
    };
    let description =
        schema["description"].as_str().or_else(|| inner["description"].as_str()).unwrap_or("");
    let mut rules = rules(inner);
    if rules.is_empty() && inner.get("items").is_some() {
        rules = crate::http::docs::reference::schema::rules(resolved(document, &inner["items"]));
    }
    let rules = if rules.is_empty() {
        String::new()
    } else {
        format!(" <span class=\"rules\">{rules}</span>")
    };
    let kind = escape(&kind(document, inner));
    format!(
        "<div class=\"field\"><code class=\"name\">{}</code> <span class=\"type\">{kind}</span> {sign}</div>\
        <p>{}{rules}</p>",
        escape(name),
        inline(description),
    )
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

fn rules(schema: &Value) -> String {
    let mut rules = Vec::new();
    for (low, high, unit) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minimum", "maximum", ""),
    ] {
        let figure = |key| schema.get(key).filter(|figure: &&Value| figure.is_number());
        match (figure(low), figure(high)) {
            (Some(low), Some(high)) => rules.push(format!("{low} to {high}{unit}")),
            (Some(low), None) => rules.push(format!("at least {low}{unit}")),
            (None, Some(high)) => rules.push(format!("at most {high}{unit}")),
            (None, None) => {}
        }
    }
    if let Some(default) = schema.get("default") {
        rules.push(format!("default <code>{}</code>", escape(&default.to_string())));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        rules.push(format!("like <code>{}</code>", escape(pattern)));
    }
    let values = schema["enum"].as_array().into_iter().flatten();
    let values: Vec<_> =
        values.map(|value| format!("<code>{}</code>", escape(&plain(value)))).collect();
    if !values.is_empty() {
        rules.push(format!("one of {}", values.join(" ")));
    }
    rules.join(", ")
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
        let shown = fields(&document, &json!({ "$ref": "#/components/schemas/Node" }), Way::Out);
        assert_eq!(shown.matches(">next<").count(), DEPTH);
        let own = json!({ "a": { "$ref": "#/a" } });
        assert!(fields(&own, &own["a"], Way::In).is_empty());
    }

    #[test]
    fn rules_are_said_in_words() {
        let schema = json!({ "type": "string", "minLength": 3, "maxLength": 9, "enum": ["a", 1], "nullable": true });
        let shown = field(&json!({}), "x", &schema, Way::In, Presence::Required);
        for said in ["string or null", "3 to 9 characters", "<code>a</code>", "required"] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
    }
}
