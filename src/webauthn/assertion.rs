//! Proving possession of a credential (section 7.2).

use super::authenticator_data::AuthenticatorData;
use super::client_data::{ClientData, GET};
use super::{CeremonyError, PublicKey, RelyingParty};
use crate::model::secret;

/// What a browser sends after an authenticator has signed a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionResponse {
    /// The ID of the credential.
    pub id: Vec<u8>,
    /// The bytes of `clientDataJSON`.
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub signature: Vec<u8>,
    /// Whom the credential belongs to, as the authenticator remembers it.
    pub user_handle: Option<Vec<u8>>,
}

/// What a genuine assertion says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// Whether the authenticator checked who the person is, by PIN or biometrics.
    pub user_verified: bool,
    /// Whether the credential can be copied to other devices.
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
}

impl AssertionResponse {
    /// The challenge that the browser was given, to be checked before [`Self::verify`].
    ///
    /// # Errors
    /// `Malformed`.
    pub fn challenge(&self) -> Result<Vec<u8>, CeremonyError> {
        ClientData::parse(&self.client_data)?.challenge()
    }

    /// Checks the assertion against this challenge and the key of the credential.
    ///
    /// # Errors
    /// Each of [`CeremonyError`] but `CredentialId` and `UnsupportedKey`.
    pub fn verify(
        &self,
        party: &RelyingParty,
        challenge: &[u8],
        key: &PublicKey,
    ) -> Result<VerifiedAssertion, CeremonyError> {
        ClientData::parse(&self.client_data)?.check(GET, challenge, party)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        data.check(party)?;
        let mut signed = self.authenticator_data.clone();
        signed.extend_from_slice(&secret::digest(&self.client_data));
        key.verify(&signed, &self.signature)?;
        Ok(VerifiedAssertion {
            user_verified: data.is_user_verified(),
            backup_eligible: data.is_backup_eligible(),
            backed_up: data.is_backed_up(),
            sign_count: data.sign_count,
        })
    }
}
