//! Where a browser is sent, so that the person logs in at the provider (RFC 6749, section 4.1.1;
//! RFC 7636).

use super::ProviderMetadata;
use crate::model::provider::Provider;
use crate::model::{percent, secret};

/// What a request to log in carries besides the provider's settings.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    /// The secret of PKCE, of which the request has the digest.
    pub verifier: &'a str,
}

/// The challenge of PKCE for a verifier, by the method S256.
#[must_use]
pub fn challenge_of(verifier: &str) -> String {
    secret::encode(&secret::digest(verifier.as_bytes()))
}

impl AuthorizationRequest<'_> {
    /// The URL to open.
    #[must_use]
    pub fn url(&self, provider: &Provider, metadata: &ProviderMetadata) -> String {
        let scope = provider.scopes.join(" ");
        let challenge = challenge_of(self.verifier);
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", provider.client_id.as_str()),
            ("redirect_uri", self.redirect_uri),
            ("scope", scope.as_str()),
            ("state", self.state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if provider.endpoints.is_none() {
            fields.push(("nonce", self.nonce));
        }
        if provider.form_post {
            fields.push(("response_mode", "form_post"));
        }
        for (name, value) in &provider.request_fields {
            fields.push((name, value));
        }
        let endpoint = &metadata.authorization_endpoint;
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{separator}{}", form(&fields))
    }
}

/// Fields as a form or query.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{name}={}", percent::encode(value))).collect();
    pairs.join("&")
}
