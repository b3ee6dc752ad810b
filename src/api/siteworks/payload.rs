//! Validation rules for this wire's request bodies, beyond their schemas.

use serde_json::{Map, Value};

use super::types::{
    ChangePasswordRequest, LoginRequest, LogoutRequest, RefreshRequest, RegisterRequest, UpdateProfileRequest,
};
use crate::config::Config;
use crate::error::FieldError;
use crate::http::body::Payload;
use crate::http::policy;

impl Payload for RegisterRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, "password", &["name"], config)
    }
}

impl Payload for LoginRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "password", config)
    }
}

impl Payload for ChangePasswordRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let mut broken = policy::tried_password(fields, "currentPassword", config);
        broken.extend(policy::new_password(fields, "newPassword", &[], config));
        broken
    }
}

impl Payload for RefreshRequest {}
impl Payload for LogoutRequest {}
impl Payload for UpdateProfileRequest {}
