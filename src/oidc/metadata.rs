//! Discovery documents (OpenID Connect Discovery 1.0).

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::failure::{ExchangeFailure, ExchangeStep};
use super::fetch::Fetch;
use super::{KnownProvider, ProviderClient};
use crate::config::{TENANT, is_encrypted};
use crate::model::HttpUrl;
use crate::model::provider::{Provider, Tenants};

/// How long a document is used before it is read again.
const LIFE: Duration = Duration::from_hours(1);

/// Of how many providers the documents are remembered.
const MAX_KNOWN: usize = 100;

/// What a provider says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProviderMetadata {
    issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: Option<String>,
    /// Where a login by a device begins (RFC 8628, section 4).
    pub device_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether each answer names its issuer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl ProviderMetadata {
    /// The address of the document of an issuer.
    #[must_use]
    pub fn url(provider: &Provider) -> String {
        let base = provider.discovery_base.trim_end_matches('/');
        format!("{base}/.well-known/openid-configuration")
    }

    /// Reads a document: it must be one of the configured issuer.
    pub(super) fn parse(provider: &Provider, document: Value) -> Result<Self, ExchangeFailure> {
        let refused = |reason: String| ExchangeFailure::refused(ExchangeStep::Discovery, reason);
        let read: Self = serde_json::from_value(document)
            .map_err(|error| refused(format!("the document is incomplete: {error}")))?;
        if read.issuer != provider.issuer {
            let (expected, came) = (&provider.issuer, &read.issuer);
            return Err(refused(format!("expected the issuer {expected}, got {came}")));
        }
        let urls = [Some(&read.authorization_endpoint), Some(&read.token_endpoint)];
        let more = [
            read.userinfo_endpoint.as_ref(),
            read.jwks_uri.as_ref(),
            read.device_authorization_endpoint.as_ref(),
        ];
        for url in urls.into_iter().chain(more).flatten() {
            if !HttpUrl::parse(url).is_some_and(|url| is_encrypted(&url)) {
                return Err(refused(format!("expected https:// URLs, got {url}")));
            }
        }
        Ok(read)
    }

    /// Whether an answer that names this issuer is one of the provider (RFC 9207).
    #[must_use]
    pub fn is_issuer(&self, provider: &Provider, named: &str) -> bool {
        self.issuer == provider.issuer && is_issuer_of(provider, named)
    }

    fn of_endpoints(provider: &Provider) -> Option<Self> {
        let endpoints = provider.endpoints.as_ref()?;
        Some(Self {
            issuer: provider.issuer.clone(),
            authorization_endpoint: endpoints.authorization.clone(),
            token_endpoint: endpoints.token.clone(),
            userinfo_endpoint: Some(endpoints.userinfo.clone()),
            jwks_uri: None,
            device_authorization_endpoint: None,
            id_token_signing_alg_values_supported: Vec::new(),
            token_endpoint_auth_methods_supported: Vec::new(),
            authorization_response_iss_parameter_supported: false,
        })
    }
}

/// Whether a provider is this issuer, or one of its tenants is.
#[must_use]
pub fn is_issuer_of(provider: &Provider, named: &str) -> bool {
    if provider.tenants == Tenants::None {
        return named == provider.issuer;
    }
    let Some((before, after)) = provider.issuer.split_once(TENANT) else { return false };
    let tenant = named.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    tenant.is_some_and(|tenant| uuid::Uuid::try_parse(tenant).is_ok())
}

impl ProviderClient {
    /// The endpoints of a provider: those of its preset, or of its discovery document.
    ///
    /// # Errors
    /// If the document cannot be read or is not acceptable.
    pub async fn metadata(
        &self,
        provider: &Provider,
    ) -> Result<Arc<ProviderMetadata>, ExchangeFailure> {
        if let Some(fixed) = ProviderMetadata::of_endpoints(provider) {
            return Ok(Arc::new(fixed));
        }
        let now = self.env.now();
        let known = self.known(&provider.discovery_base);
        if let Some(known) = known.filter(|known| now.since(known.read_at) < LIFE)
            && known.metadata.issuer == provider.issuer
        {
            return Ok(known.metadata);
        }
        let url = ProviderMetadata::url(provider);
        let document = self.fetch(Fetch::get(ExchangeStep::Discovery, &url)).await?;
        let metadata = Arc::new(ProviderMetadata::parse(provider, document)?);
        let known = KnownProvider { metadata: metadata.clone(), read_at: now, keys: None };
        self.remember(&provider.discovery_base, known);
        Ok(metadata)
    }

    pub(super) fn known(&self, base: &str) -> Option<KnownProvider> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(base).cloned()
    }

    pub(super) fn remember(&self, base: &str, known: KnownProvider) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Providers come and go while the server runs.
        if all.len() >= MAX_KNOWN && !all.contains_key(base) {
            all.clear();
        }
        all.insert(base.to_owned(), known);
    }

    /// Forgets the document and the keys of a provider, so that they are read again.
    pub fn forget(&self, provider: &Provider) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&provider.discovery_base);
    }
}
