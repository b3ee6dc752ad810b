//! Request bodies for other services and reset codes. The core checks the rules for a new password,
//! because they depend on the account.

use serde_json::{Map, Value};

use super::super::types::{
    CountUploadRequest, ResetCodeConfirmRequest, ResetCodeRequest, ResetCodeVerifyRequest,
    TokenRequest,
};
use crate::config::Config;
use crate::error::FieldError;
use crate::http::extract::body::Payload;
use crate::http::server::policy;

impl Payload for TokenRequest {}
impl Payload for CountUploadRequest {}
impl Payload for ResetCodeRequest {}
impl Payload for ResetCodeVerifyRequest {}

impl Payload for ResetCodeConfirmRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "newPassword", config)
    }
}
