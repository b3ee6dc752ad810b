//! Validation rules for this wire's request bodies, beyond their schemas.

use serde_json::{Map, Value};

use crate::api::compat::authbackend::types::{
    AccessTokenRequest, AuthbackendChangePasswordRequest, AuthbackendLinkRequest,
    AuthbackendLoginRequest, AuthbackendRefreshRequest, CodeRequest, ForgotRequest, ResetRequest,
    RoleRequest, SignUpRequest,
};
use crate::config::Config;
use crate::error::{Field, FieldError};
use crate::http::extract::body::Payload;
use crate::http::server::policy;

impl Payload for SignUpRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::Password, &["firstName", "lastName"], config)
    }
}

impl Payload for AuthbackendLoginRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "password", config)
    }
}

impl Payload for ResetRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::NewPassword, &[], config)
    }
}

impl Payload for AuthbackendChangePasswordRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let mut broken = policy::tried_password(fields, "currentPassword", config);
        broken.extend(policy::new_password(fields, &Field::NewPassword, &[], config));
        broken
    }
}

impl Payload for AuthbackendLinkRequest {}
impl Payload for CodeRequest {}
impl Payload for ForgotRequest {}
impl Payload for AccessTokenRequest {}
impl Payload for AuthbackendRefreshRequest {}
impl Payload for RoleRequest {}
