//! Validation rules for v1's request bodies, beyond their schemas.

use serde_json::{Map, Value};

use super::admin::bodies::{
    CreateAppRequest, CreateRoleRequest, CreateUserRequest, QuotaRequest, RotateKeyRequest,
    UpdateRoleRequest, UpdateUserRequest,
};
use super::types::{
    LinkRequest, LoginRequest, LogoutRequest, RefreshRequest, RegisterRequest, ResendRequest,
    UpdateProfileRequest,
};
use crate::config::{Config, SignUpField};
use crate::error::{Field, FieldError, Kind};
use crate::http::extract::body::Payload;
use crate::http::extract::schema::required_row;
use crate::http::server::policy;

impl Payload for RegisterRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let asked_for = config.signup.require.iter().map(|field| field_name(*field));
        let mut broken: Vec<_> =
            asked_for.filter(|name| is_blank(fields.get(*name))).map(required_row).collect();
        broken.extend(policy::new_password(
            fields,
            &Field::Password,
            &["firstName", "lastName"],
            config,
        ));
        broken
    }
}

impl Payload for LoginRequest {
    const MISSING: Option<Kind> = Some(Kind::MissingCredentials);

    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let mut broken = Vec::new();
        if ["email", "username"].iter().all(|name| is_empty(fields.get(*name))) {
            broken.push(required_row("email"));
        }
        broken.extend(policy::tried_password(fields, "password", config));
        broken
    }
}

impl Payload for UpdateProfileRequest {
    /// A name that the policy requires can be changed but not cleared.
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let asked_for = config.signup.require.iter().map(|field| field_name(*field));
        let emptied =
            asked_for.filter(|name| fields.contains_key(*name) && is_blank(fields.get(*name)));
        emptied
            .filter(|name| *name != field_name(SignUpField::Username))
            .map(required_row)
            .collect()
    }
}

impl Payload for LinkRequest {
    const MISSING: Option<Kind> = Some(Kind::MissingLinkToken);
}

impl Payload for CreateUserRequest {
    /// The rules for a new password are the same for every operation that sets one.
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::Password, &["firstName", "lastName"], config)
    }
}

impl Payload for UpdateUserRequest {}
impl Payload for CreateRoleRequest {}
impl Payload for UpdateRoleRequest {}
impl Payload for CreateAppRequest {}
impl Payload for QuotaRequest {}
impl Payload for RotateKeyRequest {}
impl Payload for RefreshRequest {}
impl Payload for LogoutRequest {}
impl Payload for ResendRequest {}

/// The name that this wire uses for a field that a profile can require.
pub(super) fn field_name(field: SignUpField) -> &'static str {
    match field {
        SignUpField::Username => "username",
        SignUpField::FirstName => "firstName",
        SignUpField::LastName => "lastName",
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(str::is_empty),
    }
}

/// Like [`is_empty`], but also true for names that consist only of white space.
fn is_blank(value: Option<&Value>) -> bool {
    is_empty(value) || value.and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
}

mod mfa;
mod passkeys;
mod providers;
mod recovery;
mod service;
#[cfg(test)]
mod tests;
