//! Validation rules for recovery requests. The core checks the rules for a new password, because
//! they depend on the account.

use serde_json::{Map, Value};

use super::super::types::{
    ChangeEmailRequest, ChangePasswordRequest, ForgotPasswordRequest, ReauthenticateRequest,
    ResetPasswordRequest,
};
use crate::config::Config;
use crate::error::{Detail, Error, FieldError};
use crate::http::extract::body::Payload;
use crate::http::extract::schema::required_row;
use crate::http::server::policy;

impl Payload for ReauthenticateRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let nothing = ["password", "code"].iter().all(|name| super::is_empty(fields.get(*name)));
        let mut broken: Vec<_> = nothing.then(|| required_row("password")).into_iter().collect();
        broken.extend(policy::tried_password(fields, "password", config));
        broken
    }
}

impl Payload for ResetPasswordRequest {
    fn missing(field: &str) -> Option<Error> {
        let missing = || Detail::ResetTokenMissing.into();
        (field == "token").then(missing)
    }

    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "newPassword", config)
    }
}

impl Payload for ForgotPasswordRequest {}
impl Payload for ChangePasswordRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "currentPassword", config)
    }
}

impl Payload for ChangeEmailRequest {}
