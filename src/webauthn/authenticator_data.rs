//! Authenticator data (section 6.1): the domain, the flags, the counter and, in a registration, the
//! credential.

use super::cbor::{self, Item};
use super::{CeremonyError, LONGEST_ID, PublicKey, RelyingParty};
use crate::model::secret;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, read to its last byte.
#[derive(Debug, Clone)]
pub(super) struct AuthenticatorData {
    party_hash: [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) credential: Option<AttestedCredential>,
}

/// The credential that a registration made.
#[derive(Debug, Clone)]
pub(super) struct AttestedCredential {
    pub(super) aaguid: [u8; 16],
    pub(super) id: Vec<u8>,
    /// The `COSE_Key` as it came.
    pub(super) public_key: Vec<u8>,
}

impl AuthenticatorData {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CeremonyError> {
        let malformed = CeremonyError::Malformed;
        let (party_hash, rest) = bytes.split_first_chunk::<32>().ok_or(malformed)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(malformed)?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        let mut credential = None;
        if flags & HAS_CREDENTIAL != 0 {
            let (found, after) = AttestedCredential::parse(rest)?;
            (credential, rest) = (Some(found), after);
        }
        if flags & HAS_EXTENSIONS != 0 {
            let (extensions, after) = cbor::parse_first(rest)?;
            if !matches!(extensions, Item::Map(_)) {
                return Err(malformed);
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(malformed);
        }
        let sign_count = u32::from_be_bytes(*sign_count);
        Ok(Self { party_hash: *party_hash, flags, sign_count, credential })
    }

    /// Checks what both ceremonies demand: our domain, a person who is there, and flags that do not
    /// contradict each other.
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), CeremonyError> {
        if self.party_hash != secret::digest(party.id.as_bytes()) {
            return Err(CeremonyError::WrongRelyingParty);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(CeremonyError::UserNotPresent);
        }
        if self.is_backed_up() && !self.is_backup_eligible() {
            return Err(CeremonyError::BackupState);
        }
        Ok(())
    }

    pub(super) fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    pub(super) fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub(super) fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

impl AttestedCredential {
    fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), CeremonyError> {
        let malformed = CeremonyError::Malformed;
        let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or(malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > LONGEST_ID {
            return Err(CeremonyError::CredentialId);
        }
        let (id, rest) = rest.split_at_checked(length).ok_or(malformed)?;
        let (key, after) = cbor::parse_first(rest)?;
        PublicKey::of(&key)?;
        let public_key = rest[..rest.len() - after.len()].to_vec();
        Ok((Self { aaguid: *aaguid, id: id.to_vec(), public_key }, after))
    }
}
