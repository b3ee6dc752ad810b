//! Tokens with which a provider's API is called.

use super::secret::Secret;
use super::time::Time;

/// What a provider issued for one of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderTokens {
    pub access: Secret,
    pub refresh: Option<Secret>,
    /// When the access token ends, if the provider says so.
    pub expires_at: Option<Time>,
    /// The scopes that the owner granted, if the provider says which.
    pub scope: Option<String>,
}
