//! Request bodies for logins with providers. They have no rules beyond their schemas.

use super::super::types::{
    BeginIdentityRequest, BeginProviderRequest, LinkIdentityRequest, ProviderCallbackRequest,
    ProviderCodeRequest, ProviderStepRequest, ProviderTokenRequest,
};
use crate::http::extract::body::Payload;

impl Payload for BeginProviderRequest {}
impl Payload for BeginIdentityRequest {}
impl Payload for ProviderCallbackRequest {}
impl Payload for ProviderTokenRequest {}
impl Payload for ProviderCodeRequest {}
impl Payload for ProviderStepRequest {}
impl Payload for LinkIdentityRequest {}
