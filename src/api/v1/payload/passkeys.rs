//! Request bodies for passkeys. They have no rules beyond their schemas.

use super::super::types::{
    AddPasskeyOptionsRequest, AddPasskeyRequest, PasskeyLoginRequest, PasskeyProofRequest,
    RenamePasskeyRequest,
};
use crate::http::extract::body::Payload;

impl Payload for PasskeyLoginRequest {}
impl Payload for PasskeyProofRequest {}
impl Payload for AddPasskeyOptionsRequest {}
impl Payload for AddPasskeyRequest {}
impl Payload for RenamePasskeyRequest {}
