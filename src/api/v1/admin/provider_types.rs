//! Requests and responses on the providers that users log in with.

use poem_openapi::types::MaybeUndefined;
use poem_openapi::{Enum, Object};

use crate::http::extract::fields::{ClientSecretField, PrivateKeyField};

/// Settings of a provider, as in `[providers.NAME]`. Absent ones keep their values.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProviderSettingsRequest {
    pub preset: MaybeUndefined<String>,
    pub label: MaybeUndefined<String>,
    pub issuer: MaybeUndefined<String>,
    pub client_id: MaybeUndefined<String>,
    pub client_secret: MaybeUndefined<ClientSecretField>,
    pub tenant: MaybeUndefined<String>,
    pub team_id: MaybeUndefined<String>,
    pub key_id: MaybeUndefined<String>,
    pub private_key: MaybeUndefined<PrivateKeyField>,
    #[oai(validator(max_items = 50))]
    pub scopes: Option<Vec<String>>,
    #[oai(validator(max_items = 50))]
    pub redirect_uris: Option<Vec<String>>,
    #[oai(validator(max_items = 50))]
    pub audiences: Option<Vec<String>>,
    pub proved_by: MaybeUndefined<String>,
    #[oai(validator(max_items = 50))]
    pub trusted_acr: Option<Vec<String>>,
    /// Whether the tokens of each login are kept, for apps that call the provider's API.
    pub keep_tokens: Option<bool>,
}

/// Where the settings of a provider are.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum ProviderPlace {
    Configuration,
    Database,
}

/// A provider, without its secrets.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownProvider {
    pub name: String,
    pub origin: ProviderPlace,
    /// Whether users can log in with it.
    pub in_force: bool,
    /// Why they cannot.
    pub problem: Option<String>,
    /// The address to register at the provider.
    pub redirect_address: Option<String>,
    pub preset: Option<String>,
    pub label: Option<String>,
    pub issuer: Option<String>,
    pub client_id: Option<String>,
    /// Whether it has a client secret or a private key.
    pub has_key: bool,
    pub tenant: Option<String>,
    pub team_id: Option<String>,
    pub key_id: Option<String>,
    pub scopes: Vec<String>,
    pub redirect_uris: Vec<String>,
    pub audiences: Vec<String>,
    pub proved_by: Option<String>,
    pub trusted_acr: Vec<String>,
    pub keep_tokens: bool,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    /// The number of connected accounts, for one provider alone.
    #[oai(skip_serializing_if_is_none)]
    pub identities: Option<i64>,
}

/// A step of a test.
#[derive(Debug, Object)]
pub struct ProviderTestStep {
    /// `discovery` or `keys`.
    pub name: String,
    pub ok: bool,
    /// What was found, or why it failed.
    pub answer: String,
}

super::super::types::answers! {
    /// All providers, by name.
    ProvidersAnswer(Vec<ShownProvider>);
    /// A provider.
    ShownProviderAnswer(ShownProvider);
    /// The steps of a test, up to the first that failed.
    ProviderTestAnswer(Vec<ProviderTestStep>);
}
