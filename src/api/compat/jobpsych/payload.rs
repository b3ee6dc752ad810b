//! Validation rules for this wire's request bodies, beyond their schemas.

use serde_json::{Map, Value};

use crate::api::compat::jobpsych::types::{
    IncrementRequest, JobpsychChangePasswordRequest, JobpsychLoginRequest, JobpsychRegisterRequest,
    JobpsychResetPasswordRequest, VerifyTokenRequest,
};
use crate::config::Config;
use crate::error::{Field, FieldError};
use crate::http::extract::body::Payload;
use crate::http::server::policy;

impl Payload for JobpsychRegisterRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::Password, &["name", "company_name"], config)
    }
}

impl Payload for JobpsychLoginRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "password", config)
    }
}

impl Payload for JobpsychResetPasswordRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::NewPassword, &[], config)
    }
}

impl Payload for JobpsychChangePasswordRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let mut broken = policy::tried_password(fields, "currentPassword", config);
        broken.extend(policy::new_password(fields, &Field::NewPassword, &[], config));
        broken
    }
}

impl Payload for IncrementRequest {}
impl Payload for VerifyTokenRequest {}
