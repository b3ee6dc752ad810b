//! What a browser is asked for (sections 5.4 and 5.5).

use std::time::Duration;

/// How an authenticator can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticatorTransport {
    Usb,
    Nfc,
    Ble,
    SmartCard,
    Hybrid,
    Internal,
}

impl AuthenticatorTransport {
    /// All of them.
    pub const ALL: [AuthenticatorTransport; 6] =
        [Self::Usb, Self::Nfc, Self::Ble, Self::SmartCard, Self::Hybrid, Self::Internal];

    /// The word of the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usb => "usb",
            Self::Nfc => "nfc",
            Self::Ble => "ble",
            Self::SmartCard => "smart-card",
            Self::Hybrid => "hybrid",
            Self::Internal => "internal",
        }
    }

    /// The transport with this word. Browsers may send words that are newer than this program.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.as_str() == word)
    }

    /// Those of a list that are known, each once, sorted by their words.
    #[must_use]
    pub fn known<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut known: Vec<_> = words.into_iter().filter_map(Self::parse).collect();
        known.sort_unstable_by_key(|transport| transport.as_str());
        known.dedup();
        known
    }
}

/// Names a credential to the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialDescriptor {
    pub id: Vec<u8>,
    pub transports: Vec<AuthenticatorTransport>,
}

/// Whether the authenticator has to check who the person is, by PIN or biometrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    Required,
    Preferred,
    Discouraged,
}

impl UserVerification {
    /// The word of the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

/// Whether a new credential can be found without its ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResidentKey {
    Required,
    Discouraged,
}

impl ResidentKey {
    /// The word of the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Discouraged => "discouraged",
        }
    }
}

/// Asks for an assertion: `PublicKeyCredentialRequestOptions`.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    pub challenge: Vec<u8>,
    pub timeout: Duration,
    pub rp_id: String,
    /// The credentials that may answer. Empty: the person chooses among those that the authenticator
    /// finds.
    pub allow: Vec<CredentialDescriptor>,
    pub user_verification: UserVerification,
}

/// Asks for a new credential: `PublicKeyCredentialCreationOptions`. Attestation is not asked for.
#[derive(Debug, Clone)]
pub struct CreationOptions {
    pub challenge: Vec<u8>,
    pub timeout: Duration,
    pub rp_id: String,
    /// The name of the service.
    pub rp_name: String,
    /// What stands for the account in the authenticator.
    pub user_handle: Vec<u8>,
    /// What tells the account from the person's others.
    pub user_name: String,
    /// The name of the person.
    pub user_display_name: String,
    /// The credentials that the account has: an authenticator holds one of them at most.
    pub exclude: Vec<CredentialDescriptor>,
    pub resident_key: ResidentKey,
    pub user_verification: UserVerification,
}

impl CreationOptions {
    /// The algorithms that are accepted, by their COSE numbers, the preferred first.
    pub const ALGORITHMS: [i64; 3] = super::cose::ALGORITHMS;
}
