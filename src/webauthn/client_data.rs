//! Client data (section 5.8.1): what the browser says about the page that asked.

use serde::Deserialize;

use super::{CeremonyError, RelyingParty};
use crate::model::secret;

/// The type of a registration.
pub(super) const CREATE: &str = "webauthn.create";
/// The type of an assertion.
pub(super) const GET: &str = "webauthn.get";

/// The fields that count. Browsers may add others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<String>,
}

impl ClientData {
    /// Reads the JSON text. A field that stands in it twice is refused.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CeremonyError> {
        serde_json::from_slice(bytes).map_err(|_| CeremonyError::Malformed)
    }

    /// The challenge that the browser was given.
    pub(super) fn challenge(&self) -> Result<Vec<u8>, CeremonyError> {
        secret::decode(&self.challenge).ok_or(CeremonyError::Malformed)
    }

    /// Checks that a page of ours asked for this ceremony, with this challenge, and not within a
    /// frame of another site.
    pub(super) fn check(
        &self,
        kind: &str,
        challenge: &[u8],
        party: &RelyingParty,
    ) -> Result<(), CeremonyError> {
        if self.kind != kind {
            return Err(CeremonyError::WrongType);
        }
        if self.challenge()? != challenge {
            return Err(CeremonyError::WrongChallenge);
        }
        if !party.origins.contains(&self.origin) {
            return Err(CeremonyError::WrongOrigin);
        }
        if self.cross_origin == Some(true) || self.top_origin.is_some() {
            return Err(CeremonyError::CrossOrigin);
        }
        Ok(())
    }
}
