//! Request bodies for other services and reset codes. The core checks the rules for a new password,
//! because they depend on the account.

use super::super::types::{
    CountUploadRequest, ResetCodeConfirmRequest, ResetCodeRequest, ResetCodeVerifyRequest,
    TokenRequest,
};
use crate::http::extract::body::Payload;

impl Payload for TokenRequest {}
impl Payload for CountUploadRequest {}
impl Payload for ResetCodeRequest {}
impl Payload for ResetCodeVerifyRequest {}
impl Payload for ResetCodeConfirmRequest {}
