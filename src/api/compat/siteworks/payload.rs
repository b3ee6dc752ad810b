//! Validation rules for this wire's request bodies, beyond their schemas.

use serde_json::{Map, Value};

use crate::api::compat::siteworks::types::{
    SiteworksChangePasswordRequest, SiteworksLoginRequest, SiteworksLogoutRequest,
    SiteworksRefreshRequest, SiteworksRegisterRequest, SiteworksUpdateProfileRequest,
};
use crate::config::Config;
use crate::error::{Field, FieldError};
use crate::http::extract::body::Payload;
use crate::http::server::policy;

impl Payload for SiteworksRegisterRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::Password, &["name"], config)
    }
}

impl Payload for SiteworksLoginRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "password", config)
    }
}

impl Payload for SiteworksChangePasswordRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        let mut broken = policy::tried_password(fields, "currentPassword", config);
        broken.extend(policy::new_password(fields, &Field::NewPassword, &[], config));
        broken
    }
}

impl Payload for SiteworksRefreshRequest {}
impl Payload for SiteworksLogoutRequest {}
impl Payload for SiteworksUpdateProfileRequest {}
