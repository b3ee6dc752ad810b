//! The ceremonies of Web Authentication (W3C, Level 3) as a relying party sees them: what a browser
//! is asked for, and whether what it sends back is genuine.
//!
//! Nothing here knows accounts, sessions or the database. Attestation is not asked for: a statement
//! that comes anyway is parsed, so that nothing malformed gets through, and otherwise ignored.

pub mod aaguid;
mod assertion;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose;
mod json;
mod options;
mod registration;

use std::fmt;

pub use assertion::{AssertionResponse, VerifiedAssertion};
pub use cose::PublicKey;
pub use options::{
    AuthenticatorTransport, CreationOptions, CredentialDescriptor, RequestOptions, ResidentKey,
    UserVerification,
};
pub use registration::{NewCredential, RegistrationResponse};

/// The largest credential ID (section 5.8.3 of the specification).
pub const LONGEST_ID: usize = 1023;

/// Whose credentials they are: the domain that they are bound to, and the pages that may use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// The domain, as in `rp.id`.
    pub id: String,
    /// The origins of the pages, as browsers spell them.
    pub origins: Vec<String>,
}

/// Why the answer of an authenticator is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyError {
    /// It is not JSON, CBOR or authenticator data of the expected form.
    Malformed,
    /// It belongs to the other ceremony: a registration where an assertion is due, or the reverse.
    WrongType,
    /// It answers another challenge.
    WrongChallenge,
    /// A page of another origin asked for it.
    WrongOrigin,
    /// A page within a frame of another site asked for it.
    CrossOrigin,
    /// The credential is bound to another domain.
    WrongRelyingParty,
    /// The person did not touch or unlock the authenticator.
    UserNotPresent,
    /// The credential claims to be backed up without being eligible for it.
    BackupState,
    /// The credential ID is not the one of the authenticator data, or too long.
    CredentialId,
    /// The key has an algorithm that was not asked for, or is no valid key of its algorithm.
    UnsupportedKey,
    /// The signature is wrong.
    BadSignature,
}

impl CeremonyError {
    /// The word used in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::WrongChallenge => "wrong_challenge",
            Self::WrongOrigin => "wrong_origin",
            Self::CrossOrigin => "cross_origin",
            Self::WrongRelyingParty => "wrong_rp_id",
            Self::UserNotPresent => "user_not_present",
            Self::BackupState => "backup_state",
            Self::CredentialId => "credential_id",
            Self::UnsupportedKey => "unsupported_key",
            Self::BadSignature => "bad_signature",
        }
    }
}

impl fmt::Display for CeremonyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for CeremonyError {}

/// Parses both kinds of answers from any bytes, without checking signatures. For the fuzz target and
/// for tests: it must return for all bytes.
pub fn parse_any(bytes: &[u8]) {
    let _ = cbor::parse(bytes);
    let _ = authenticator_data::AuthenticatorData::parse(bytes);
    let _ = client_data::ClientData::parse(bytes);
    let _ = registration::parse_attestation(bytes);
    let _ = PublicKey::parse(bytes);
}

#[cfg(test)]
mod vectors;
