//! Checks a JSON body against the schema in its OpenAPI document, and reports all broken rules
//! together.
//!
//! The rules are declared once, in the types of the wire. Rules that depend on the policy come from
//! [`crate::http::extract::body::Payload::rules`].

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde_json::{Map, Value};

use crate::error::{FieldError, Rule};
use crate::model::{Email, LanguageTag, Username, secret, text};

/// A text without control characters ([`text::is_control`]), as a pattern for OpenAPI documents.
pub const TEXT: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// A user name ([`Username::parse`]).
pub const USERNAME: &str = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*[A-Za-z0-9_-]$";
/// A language tag ([`LanguageTag::parse`]).
pub const LANGUAGE: &str = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$";

/// The format of a text in PEM form, which has several lines (RFC 7468).
pub const PEM: &str = "pem";

/// Writes the rules of [`Schema::check`] that a generated schema lacks into it.
pub fn publish_rules(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        let is_required = required.iter().any(|known| known == name);
        if is_required && is_text(property) && property.get("minLength").is_none() {
            property["minLength"] = 1.into();
        }
        publish_pattern(property);
        if let Some(items) = property.get_mut("items") {
            publish_pattern(items);
        }
    }
}

/// A string that is not one of a list.
fn is_text(property: &Value) -> bool {
    property["type"] == "string" && property.get("enum").is_none()
}

fn publish_pattern(property: &mut Value) {
    if !is_text(property) || property.get("pattern").is_some() {
        return;
    }
    match property["format"].as_str() {
        Some("email" | "binary" | "base64url" | PEM) => {}
        Some("username") => property["pattern"] = USERNAME.into(),
        Some("language") => property["pattern"] = LANGUAGE.into(),
        _ => property["pattern"] = TEXT.into(),
    }
}

/// The schemas of request bodies. Each is built when the first body of its type arrives.
#[derive(Debug, Default)]
pub struct Schemas(RwLock<HashMap<TypeId, Arc<Schema>>>);

impl Schemas {
    /// The schema of a type.
    #[must_use]
    pub fn of<T: Type + 'static>(&self) -> Arc<Schema> {
        // A poisoned lock is safe to use: no update of the map can be left half done.
        let known =
            self.0.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
        known.unwrap_or_else(|| {
            let mut schemas = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                schemas.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(Schema::of::<T>())),
            )
        })
    }
}

/// The schema of one type, with the schemas it refers to by name.
#[derive(Debug)]
pub struct Schema {
    root: MetaSchemaRef,
    named: BTreeMap<String, MetaSchema>,
}

impl Schema {
    fn of<T: Type>() -> Self {
        let mut registry = Registry::new();
        T::register(&mut registry);
        Self { root: T::schema_ref(), named: registry.schemas }
    }

    /// All rules that the fields break, in the order of the schema.
    #[must_use]
    pub fn check(&self, fields: &Map<String, Value>) -> Vec<FieldError> {
        let mut broken = Vec::new();
        if let Some(schema) = self.resolve(&self.root) {
            self.object(schema, fields, "", &mut broken);
        }
        broken
    }

    fn resolve<'a>(&'a self, schema: &'a MetaSchemaRef) -> Option<&'a MetaSchema> {
        match schema {
            MetaSchemaRef::Inline(schema) => Some(schema),
            MetaSchemaRef::Reference(name) => self.named.get(name),
        }
    }

    fn object(
        &self,
        schema: &MetaSchema,
        fields: &Map<String, Value>,
        path: &str,
        broken: &mut Vec<FieldError>,
    ) {
        for (name, field_schema) in &schema.properties {
            let required = schema.required.contains(name);
            let path =
                || if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
            match fields.get(*name) {
                None | Some(Value::Null) if required => broken.push(required_row(&path())),
                None | Some(Value::Null) => {}
                Some(Value::String(text))
                    if text.is_empty() && (required || self.refuses_empty(field_schema)) =>
                {
                    broken.push(required_row(&path()));
                }
                Some(value) => {
                    if let Some(schema) = self.resolve(field_schema) {
                        self.value(schema, value, &path(), broken);
                    }
                }
            }
        }
    }

    /// Whether an optional text cannot be empty: it then counts as missing, as a required one does.
    fn refuses_empty(&self, schema: &MetaSchemaRef) -> bool {
        self.resolve(schema).is_some_and(|schema| {
            schema.ty == "string"
                && (schema.min_length.is_some()
                    || matches!(schema.format, Some("email" | "username")))
        })
    }

    fn value(&self, schema: &MetaSchema, value: &Value, path: &str, broken: &mut Vec<FieldError>) {
        // The generator writes a field of a named type that has its own description as `allOf` that
        // type.
        for part in schema.all_of.iter().filter_map(|part| self.resolve(part)) {
            self.value(part, value, path, broken);
        }
        match (schema.ty, value) {
            ("string", Value::String(text)) => broken.extend(string_row(schema, text, path)),
            ("object", Value::Object(fields)) => self.object(schema, fields, path, broken),
            ("array", Value::Array(items)) => self.array(schema, items, path, broken),
            ("boolean", Value::Bool(_)) | ("", _) => {}
            ("integer" | "number", Value::Number(number))
                if schema.ty == "number" || !number.is_f64() =>
            {
                broken.extend(number_row(schema, number.as_f64().unwrap_or_default(), path));
            }
            (expected, _) => broken.push(FieldError::new(path, Rule::WrongType { expected })),
        }
    }

    fn array(
        &self,
        schema: &MetaSchema,
        items: &[Value],
        path: &str,
        broken: &mut Vec<FieldError>,
    ) {
        if let Some(min) = schema.min_items.filter(|min| items.len() < *min) {
            broken.push(FieldError::new(path, Rule::TooFew { min }));
        }
        if let Some(max) = schema.max_items.filter(|max| items.len() > *max) {
            broken.push(FieldError::new(path, Rule::TooMany { max }));
            return;
        }
        let Some(schema) = schema.items.as_ref().and_then(|schema| self.resolve(schema)) else {
            return;
        };
        for (index, item) in items.iter().enumerate() {
            self.value(schema, item, &format!("{path}[{index}]"), broken);
        }
    }
}

/// The error for a missing field.
#[must_use]
pub fn required_row(path: &str) -> FieldError {
    FieldError::new(path, Rule::Required)
}

/// The first rule that a string breaks. Later rules are not reported: a text that is too long is
/// not also reported as an invalid address.
fn string_row(schema: &MetaSchema, value: &str, path: &str) -> Option<FieldError> {
    let length = text::length(value);
    let rule = if let Some(max) = schema.max_length.filter(|max| length > *max) {
        Rule::TooLong { max }
    } else if let Some(min) = schema.min_length.filter(|min| length < *min) {
        Rule::TooShort { min }
    } else if value
        .chars()
        .any(|c| text::is_control(c) && !(c == '\n' && schema.format == Some(PEM)))
    {
        Rule::ControlCharacters
    } else {
        match schema.format {
            Some("email") if Email::parse(value).is_none() => Rule::Email,
            Some("username") if Username::parse(value).is_none() => Rule::Username,
            Some("base64url") if secret::decode(value).is_none() => Rule::Base64Url,
            Some("language") if LanguageTag::parse(value).is_none() => Rule::Language,
            _ if !schema.enum_items.is_empty()
                && !schema.enum_items.iter().any(|item| item == value) =>
            {
                let allowed = schema.enum_items.iter().filter_map(Value::as_str);
                Rule::NotOneOf(allowed.map(str::to_owned).collect())
            }
            _ => return None,
        }
    };
    Some(FieldError::new(path, rule))
}

fn number_row(schema: &MetaSchema, number: f64, path: &str) -> Option<FieldError> {
    let too_small = schema.minimum.filter(|min| number < *min).map(|min| Rule::TooSmall { min });
    let too_large = schema.maximum.filter(|max| number > *max).map(|max| Rule::TooLarge { max });
    too_small.or(too_large).map(|rule| FieldError::new(path, rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::server::error_text::field_name;
    use poem_openapi::{Enum, Object};
    use serde_json::json;

    #[derive(Enum)]
    enum TestColour {
        #[oai(rename = "red")]
        Red,
    }

    #[derive(Object)]
    #[oai(rename_all = "camelCase")]
    struct TestInner {
        #[oai(validator(max_length = 3))]
        short_text: String,
    }

    #[derive(Object)]
    #[oai(rename_all = "camelCase")]
    #[allow(dead_code, reason = "only its schema is read")]
    struct Outer {
        #[oai(validator(min_length = 2, max_length = 4))]
        name: String,
        flag: Option<bool>,
        #[oai(validator(minimum(value = "1"), maximum(value = "9")))]
        count: Option<i32>,
        colour: Option<TestColour>,
        inner: Option<TestInner>,
        #[oai(validator(min_length = 2))]
        alias: Option<String>,
        #[oai(validator(max_items = 2))]
        list: Option<Vec<TestInner>>,
    }

    fn rows(value: &Value) -> Vec<(String, Rule)> {
        let rows = Schemas::default().of::<Outer>().check(value.as_object().unwrap());
        rows.into_iter().map(|row| (field_name(&row.field).into_owned(), row.rule)).collect()
    }

    #[test]
    fn every_bad_field_is_reported_with_its_path() {
        let body = json!({
            "name": "", "flag": "true", "count": 0, "colour": "blue",
            "inner": {"shortText": "long"}, "list": [{"shortText": 7}, {}],
        });
        let expected = [
            ("name", Rule::Required),
            ("flag", Rule::WrongType { expected: "boolean" }),
            ("count", Rule::TooSmall { min: 1.0 }),
            ("colour", Rule::NotOneOf(vec!["red".to_owned()])),
            ("inner.shortText", Rule::TooLong { max: 3 }),
            ("list[0].shortText", Rule::WrongType { expected: "string" }),
            ("list[1].shortText", Rule::Required),
        ];
        assert_eq!(rows(&body), expected.map(|(field, rule)| (field.to_owned(), rule)));
    }

    #[test]
    fn an_optional_text_that_cannot_be_empty_counts_as_missing() {
        assert_eq!(
            rows(&json!({"name": "anna", "alias": ""})),
            [("alias".to_owned(), Rule::Required)]
        );
        assert_eq!(rows(&json!({"name": "anna", "alias": null})), []);
    }

    #[test]
    fn lengths_are_counted_in_code_points() {
        assert_eq!(rows(&json!({"name": "😀😀😀😀"})), []);
        assert_eq!(rows(&json!({"name": "😀"})), [("name".to_owned(), Rule::TooShort { min: 2 })]);
        assert_eq!(
            rows(&json!({"name": "aaaaa"})),
            [("name".to_owned(), Rule::TooLong { max: 4 })]
        );
    }

    #[test]
    fn nothing_is_coerced() {
        for (name, value, expected) in [
            ("flag", json!(1), "boolean"),
            ("count", json!("5"), "integer"),
            ("count", json!(1.5), "integer"),
            ("inner", json!([]), "object"),
        ] {
            let body = json!({"name": "anna", name: value});
            assert_eq!(rows(&body), [(name.to_owned(), Rule::WrongType { expected })], "{body}");
        }
    }

    #[test]
    fn null_is_absence_and_unknown_fields_are_ignored() {
        assert_eq!(rows(&json!({"name": "anna", "flag": null, "other": {"x": "\u{0}"}})), []);
        assert_eq!(rows(&json!({"name": null})), [("name".to_owned(), Rule::Required)]);
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in ["a\0b", "a\nb", "a\u{85}", "\u{7f}aa"] {
            assert_eq!(
                rows(&json!({"name": bad})),
                [("name".to_owned(), Rule::ControlCharacters)],
                "{bad:?}"
            );
        }
    }
}
