//! Passwords and links of recovery. The rules of a new password are checked where the account is known.

use super::super::types::{
    ChangeEmailRequest, ChangePasswordRequest, ForgotPasswordRequest, ReauthenticateRequest, ResetPasswordRequest,
};
use crate::error::Kind;
use crate::http::body::Payload;

impl Payload for ResetPasswordRequest {
    fn missing(field: &str) -> Option<Kind> {
        (field == "token").then_some(Kind::MissingLinkToken)
    }
}

impl Payload for ForgotPasswordRequest {}
impl Payload for ChangePasswordRequest {}
impl Payload for ReauthenticateRequest {}
impl Payload for ChangeEmailRequest {}
