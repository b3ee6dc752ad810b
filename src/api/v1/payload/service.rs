//! What services ask, and resets by a mailed code. The rules of a new password are checked where the account is known.

use super::super::types::{
    CountUploadRequest, ResetCodeConfirmRequest, ResetCodeRequest, ResetCodeVerifyRequest, TokenRequest,
};
use crate::http::body::Payload;

impl Payload for TokenRequest {}
impl Payload for CountUploadRequest {}
impl Payload for ResetCodeRequest {}
impl Payload for ResetCodeVerifyRequest {}
impl Payload for ResetCodeConfirmRequest {}
