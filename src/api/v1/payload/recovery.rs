//! Validation rules for recovery requests. The core checks the rules for a new password, because
//! they depend on the account.

use serde_json::{Map, Value};

use super::super::types::{
    ChangeEmailRequest, ChangePasswordRequest, ForgotPasswordRequest, ReauthenticateRequest,
    ResetPasswordRequest,
};
use crate::error::Kind;
use crate::http::body::Payload;
use crate::http::schema::required_row;
use crate::{config::Config, error::FieldError};

impl Payload for ReauthenticateRequest {
    fn rules(fields: &Map<String, Value>, _config: &Config) -> Vec<FieldError> {
        let nothing = ["password", "code"].iter().all(|name| super::is_empty(fields.get(*name)));
        nothing.then(|| required_row("password")).into_iter().collect()
    }
}

impl Payload for ResetPasswordRequest {
    fn missing(field: &str) -> Option<Kind> {
        (field == "token").then_some(Kind::MissingLinkToken)
    }
}

impl Payload for ForgotPasswordRequest {}
impl Payload for ChangePasswordRequest {}
impl Payload for ChangeEmailRequest {}
