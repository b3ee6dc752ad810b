//! Policy rules for body fields that all wires share, for validation and for the OpenAPI document.

use serde_json::{Map, Value};

use crate::config::{Config, PasswordRules};
use crate::error::{Field, FieldError, Rule};
use crate::http::server::error_text::field_name;
use crate::password::rules::{self, Personal};

/// The value of a field, if it is a string.
#[must_use]
pub fn text_of<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

/// The rules that the password of a new account breaks. `names` are the fields with names of the
/// owner.
#[must_use]
pub fn new_password(
    fields: &Map<String, Value>,
    field: &Field,
    names: &[&str],
    config: &Config,
) -> Vec<FieldError> {
    let Some(password) = text_of(fields, &field_name(field)) else { return Vec::new() };
    let names: Vec<&str> = names.iter().filter_map(|name| text_of(fields, name)).collect();
    let personal = Personal {
        email: text_of(fields, "email"),
        username: text_of(fields, "username"),
        names: &names,
        service: &config.service.name,
    };
    let broken = rules::check(&config.password, password, &personal);
    broken.into_iter().map(|rule| FieldError::new(field.clone(), rule)).collect()
}

/// The only rule for a password to be verified is the maximum length.
#[must_use]
pub fn tried_password(
    fields: &Map<String, Value>,
    field: &str,
    config: &Config,
) -> Vec<FieldError> {
    let is_too_long = |text: &str| rules::is_too_long(&config.password, text);
    let broken = text_of(fields, field)
        .is_some_and(is_too_long)
        .then(|| FieldError::new(field, Rule::TooLong { max: config.password.max_length }));
    broken.into_iter().collect()
}

/// Sets the length limits of a password property in a document.
pub fn bound_password(property: &mut Value, rules: &PasswordRules) {
    property["minLength"] = rules.min_length.into();
    property["maxLength"] = rules.max_length.into();
}
