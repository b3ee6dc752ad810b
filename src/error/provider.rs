//! What went wrong with a login at a provider.

use crate::error::{Detail, Error, Kind};

/// Why a login with a provider, or a change of the connected accounts, is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderFault {
    /// No provider has this name.
    Unknown,
    /// The login at a provider began elsewhere, too long ago, or was completed before.
    Stale,
    /// The provider's answer is not acceptable.
    Answer,
    /// The person refused at the provider.
    Denied,
    /// The settings of the provider do not list the page that is to take its answer.
    Redirect,
    /// The account at the provider is connected to another account.
    Taken,
    /// The account has too many connected accounts.
    TooMany,
    UnknownIdentity,
    /// A provider has this name already.
    NameTaken,
    /// The configuration has the provider, so it is changed there.
    Configured,
    /// The configuration has a provider with the issuer.
    IssuerTaken,
    /// The database has too many providers.
    TooManyProviders,
    /// The provider keeps no tokens.
    KeepsNoTokens,
    /// No token is kept that the provider accepts.
    NoTokens,
}

impl ProviderFault {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Unknown | Self::UnknownIdentity => Kind::NotFound,
            Self::Stale | Self::Answer | Self::Denied | Self::Redirect => Kind::ProviderRejected,
            Self::Taken | Self::NameTaken => Kind::AlreadyExists,
            Self::TooMany
            | Self::Configured
            | Self::IssuerTaken
            | Self::TooManyProviders
            | Self::KeepsNoTokens => Kind::Conflict,
            Self::NoTokens => Kind::ProviderLoginRequired,
        }
    }
}

impl From<ProviderFault> for Error {
    fn from(fault: ProviderFault) -> Self {
        Detail::Provider(fault).into()
    }
}
