//! Request bodies for second factors and login codes. They have no rules beyond their schemas.

use super::super::types::{
    MfaChallengeRequest, MfaRenameRequest, MfaSetupRequest, MfaVerifyRequest, OtpRequest,
    OtpVerifyRequest,
};
use crate::http::extract::body::Payload;

impl Payload for MfaSetupRequest {}
impl Payload for MfaVerifyRequest {}
impl Payload for MfaChallengeRequest {}
impl Payload for MfaRenameRequest {}
impl Payload for OtpRequest {}
impl Payload for OtpVerifyRequest {}
