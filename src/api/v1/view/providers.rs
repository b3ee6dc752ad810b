//! Conversion of providers and identities to v1's responses.

use super::super::types::{
    BegunProvider, IdentityView, ProviderCallbackRequest, ProviderCodeSent, ProviderTokenView,
    ProviderView,
};
use super::time;
use crate::identity::provider::{
    BegunFlow, CodeSent, FLOW_LIFE, GivenToken, ProviderAnswer, ProviderListing,
};
use crate::model::identity::Identity;

pub(in super::super) fn providers(all: Vec<ProviderListing>) -> Vec<ProviderView> {
    let view = |one: ProviderListing| ProviderView {
        name: one.name,
        label: one.label,
        preset: one.preset,
    };
    all.into_iter().map(view).collect()
}

pub(in super::super) fn begun(begun: BegunFlow) -> BegunProvider {
    BegunProvider {
        authorization_url: begun.url,
        flow: begun.flow.reveal().to_owned(),
        expires_in: FLOW_LIFE.as_secs(),
    }
}

pub(in super::super) fn code_sent(sent: &CodeSent) -> ProviderCodeSent {
    ProviderCodeSent {
        provider_token: sent.token.reveal().to_owned(),
        email: sent.email.to_string(),
        expires_in: sent.expires_in.as_secs(),
    }
}

pub(in super::super) fn identity(row: Identity) -> IdentityView {
    IdentityView {
        id: row.id,
        provider: row.provider,
        issuer: row.issuer,
        subject: row.subject,
        email: row.email,
        name: row.name,
        created_at: row.created_at.to_seconds_text(),
        last_used: time(row.last_used_at),
    }
}

pub(in super::super) fn provider_token(given: &GivenToken) -> ProviderTokenView {
    ProviderTokenView {
        access_token: given.access.reveal().to_owned(),
        expires_at: time(given.expires_at),
        scope: given.scope.clone(),
    }
}

impl From<ProviderCallbackRequest> for ProviderAnswer {
    fn from(sent: ProviderCallbackRequest) -> Self {
        Self {
            code: sent.code,
            state: sent.state,
            iss: sent.iss,
            error: sent.error,
            error_description: sent.error_description,
            user: None,
        }
    }
}
