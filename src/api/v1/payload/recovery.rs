//! Validation rules for recovery requests. The core checks the rules for a new password, because
//! they depend on the account.

use serde_json::{Map, Value};

use super::super::types::{
    ChangeEmailRequest, ChangePasswordRequest, ForgotPasswordRequest, ReauthenticateRequest,
    ResetPasswordRequest,
};
use crate::config::Config;
use crate::error::{FieldError, Kind};
use crate::http::extract::body::Payload;
use crate::http::extract::schema::required_row;

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
