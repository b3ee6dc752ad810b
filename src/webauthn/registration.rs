//! Registering a credential (section 7.1).

use super::authenticator_data::AuthenticatorData;
use super::cbor::{self, Item};
use super::client_data::{CREATE, ClientData};
use super::{AuthenticatorTransport, CeremonyError, RelyingParty};

/// What a browser sends after it has made a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationResponse {
    pub id: Vec<u8>,
    /// The bytes of `clientDataJSON`.
    pub client_data: Vec<u8>,
    pub attestation_object: Vec<u8>,
    /// How the authenticator can be reached, as far as the browser knows.
    pub transports: Vec<AuthenticatorTransport>,
    /// Whether the credential can be found without its ID (`credProps.rk`). Not every browser says.
    pub discoverable: Option<bool>,
}

/// A credential whose registration is genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredential {
    pub id: Vec<u8>,
    /// The key as a `COSE_Key`.
    pub public_key: Vec<u8>,
    /// The model of the authenticator; zeros if it does not say.
    pub aaguid: [u8; 16],
    pub sign_count: u32,
    /// Whether the authenticator checked who the person is, by PIN or biometrics.
    pub user_verified: bool,
    /// Whether the credential can be copied to other devices.
    pub backup_eligible: bool,
    pub backed_up: bool,
}

impl RegistrationResponse {
    /// The challenge that the browser was given, to be checked before [`Self::verify`].
    ///
    /// # Errors
    /// `Malformed`.
    pub fn challenge(&self) -> Result<Vec<u8>, CeremonyError> {
        ClientData::parse(&self.client_data)?.challenge()
    }

    /// Checks the registration against this challenge.
    ///
    /// # Errors
    /// Each of [`CeremonyError`] but `BadSignature`: no attestation is checked.
    pub fn verify(
        &self,
        party: &RelyingParty,
        challenge: &[u8],
    ) -> Result<NewCredential, CeremonyError> {
        ClientData::parse(&self.client_data)?.check(CREATE, challenge, party)?;
        let data = parse_attestation(&self.attestation_object)?;
        data.check(party)?;
        let (user_verified, sign_count) = (data.is_user_verified(), data.sign_count);
        let (backup_eligible, backed_up) = (data.is_backup_eligible(), data.is_backed_up());
        let credential = data.credential.ok_or(CeremonyError::Malformed)?;
        if credential.id != self.id {
            return Err(CeremonyError::CredentialId);
        }
        Ok(NewCredential {
            id: credential.id,
            public_key: credential.public_key,
            aaguid: credential.aaguid,
            sign_count,
            user_verified,
            backup_eligible,
            backed_up,
        })
    }
}

/// Reads an attestation object. The statement is not checked, since it was not asked for.
pub(super) fn parse_attestation(bytes: &[u8]) -> Result<AuthenticatorData, CeremonyError> {
    let object = cbor::parse(bytes)?;
    let has_statement = matches!(object.of("fmt"), Some(Item::Text(_)))
        && matches!(object.of("attStmt"), Some(Item::Map(_)));
    let data = object.of("authData").and_then(Item::as_bytes).filter(|_| has_statement);
    AuthenticatorData::parse(data.ok_or(CeremonyError::Malformed)?)
}
