//! Providers: servers at which people have accounts that log in here, by OpenID Connect or OAuth 2.

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// The settings of a provider, without its secrets: as configured, or as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderSettings {
    /// The name of a preset; `None`: the preset with the provider's own name, if there is one.
    pub preset: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    pub issuer: Option<String>,
    pub client_id: Option<String>,
    /// Microsoft's tenant.
    pub tenant: Option<String>,
    /// Apple's team and key, with which the client secret is signed.
    pub team_id: Option<String>,
    pub key_id: Option<String>,
    /// Scopes besides those of the preset.
    pub scopes: Vec<String>,
    /// Other client IDs whose ID tokens are accepted from apps.
    pub audiences: Vec<String>,
    /// Pages of apps that may take the provider's answer.
    pub redirect_uris: Vec<String>,
    /// Values of `acr` that count as both factors.
    pub trusted_acr: Vec<String>,
    pub proved_by: Option<AddressProof>,
    /// Whether the tokens of each login are kept, for apps that call the provider's API.
    pub keep_tokens: bool,
}

/// The secrets of a provider.
#[derive(Debug, Clone, Default)]
pub struct ProviderKeys {
    pub client_secret: Option<Secret>,
    /// Apple's private key in PEM form.
    pub private_key: Option<Secret>,
}

/// What proves that an address at the provider belongs to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AddressProof {
    /// A claim that is true.
    Claim(String),
    /// That the address is there.
    Always,
    /// Nothing.
    Never,
    /// A list of addresses says which one is verified.
    List,
}

impl AddressProof {
    /// Parses a word, or the name of a claim.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_path =
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        ((1..=100).contains(&text.len()) && is_path).then(|| text.to_owned().into())
    }
}

impl From<String> for AddressProof {
    fn from(text: String) -> Self {
        match text.as_str() {
            "always" => Self::Always,
            "never" => Self::Never,
            "list" => Self::List,
            _ => Self::Claim(text),
        }
    }
}

impl From<AddressProof> for String {
    fn from(proof: AddressProof) -> Self {
        match proof {
            AddressProof::Claim(path) => path,
            AddressProof::Always => "always".to_owned(),
            AddressProof::Never => "never".to_owned(),
            AddressProof::List => "list".to_owned(),
        }
    }
}

/// Where the values of an account are among the claims: names, joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimPaths {
    pub subject: String,
    pub email: String,
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    pub username: String,
}

impl Default for ClaimPaths {
    fn default() -> Self {
        let path = str::to_owned;
        Self {
            subject: path("sub"),
            email: path("email"),
            name: path("name"),
            given_name: path("given_name"),
            family_name: path("family_name"),
            username: path("preferred_username"),
        }
    }
}

/// The endpoints of a provider that has no discovery document, and no ID tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    pub authorization: String,
    pub token: String,
    pub userinfo: String,
    /// The list of the account's addresses.
    pub emails: Option<String>,
}

/// How a client proves at the token endpoint who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenAuth {
    /// By the Authorization header.
    Basic,
    /// By fields of the form.
    Post,
}

/// The secret of this server at the provider.
#[derive(Debug, Clone)]
pub enum ClientKey {
    /// None: a public client.
    None,
    Secret(Secret),
    /// A token that is signed for each request, as Apple wants it.
    Signed {
        team_id: String,
        key_id: String,
        private_key: Secret,
    },
}

/// Which tenants may fill the place in Microsoft's issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenants {
    /// The issuer has no such place.
    None,
    All,
    /// All but that of personal accounts.
    Organizations,
}

/// A provider with all that is needed to ask it.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name in the configuration, in paths and in the database.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The preset that it was made from.
    pub preset: Option<String>,
    pub client_id: String,
    pub key: ClientKey,
    /// The issuer, which is half of the key of each of its accounts.
    pub issuer: String,
    /// Where its discovery document is.
    pub discovery_base: String,
    /// The tenants that the issuer has a place for.
    pub tenants: Tenants,
    /// `None`: those of the discovery document.
    pub endpoints: Option<Endpoints>,
    pub scopes: Vec<String>,
    /// Fields that a login request has besides the usual ones.
    pub request_fields: Vec<(String, String)>,
    pub proof: AddressProof,
    pub claims: ClaimPaths,
    /// `None`: as the discovery document says.
    pub token_auth: Option<TokenAuth>,
    /// Whether it posts its answer.
    pub form_post: bool,
    pub audiences: Vec<String>,
    pub redirect_uris: Vec<String>,
    pub trusted_acr: Vec<String>,
    /// The settings that it was made from.
    pub settings: ProviderSettings,
}

impl Provider {
    /// Whether an ID token for this client is one for this server.
    #[must_use]
    pub fn is_audience(&self, client: &str) -> bool {
        client == self.client_id || self.audiences.iter().any(|other| other == client)
    }

    /// Whether the tokens of each login are kept.
    #[must_use]
    pub fn keeps_tokens(&self) -> bool {
        self.settings.keep_tokens
    }
}
