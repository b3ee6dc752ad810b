//! The proof that a login at a provider is, for the gate.

use crate::model::{AuthMethods, Time};

/// Proof that the owner logged in at a provider whose account is connected.
#[derive(Debug, Clone)]
pub struct ProviderProof {
    methods: AuthMethods,
    provider: String,
    is_trusted: bool,
    began_at: Time,
}

/// How far the operator trusts a login at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProviderTrust {
    OneFactor,
    /// It counts as both factors.
    BothFactors,
}

impl ProviderProof {
    /// Only [`super::establish`] makes one, after the identity was found.
    pub(super) fn of(provider: &str, trust: ProviderTrust, began_at: Time) -> Self {
        Self {
            methods: AuthMethods::federated(provider),
            provider: provider.to_owned(),
            is_trusted: trust == ProviderTrust::BothFactors,
            began_at,
        }
    }

    /// How the owner proved their identity.
    #[must_use]
    pub fn methods(&self) -> &AuthMethods {
        &self.methods
    }

    /// The name of the provider, for the audit log.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// When the login began here. An account at the provider that it connected is no older.
    #[must_use]
    pub fn began_at(&self) -> Time {
        self.began_at
    }

    /// Whether it counts as both factors.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }
}
