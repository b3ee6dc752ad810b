//! Conversion of passkeys to v1's responses, and of v1's requests to what browsers sent.

use std::time::Duration;

use super::super::types::{
    AddedPasskey, AuthenticatorSelection, CredentialType, DescribedCredential, PasskeyAlgorithm,
    PasskeyAssertion, PasskeyAttestation, PasskeyCreationOptions, PasskeyOverview,
    PasskeyRequestOptions, PasskeyService, PasskeyType, PasskeyUser, PasskeyView,
    RequestedExtensions,
};
use super::{codes, time};
use crate::identity::passkey;
use crate::identity::passkey::{NewKey, PasskeyList};
use crate::model::{Passkey, PasskeyKind, secret};
use crate::webauthn::{
    AssertionResponse, AuthenticatorTransport, CreationOptions, CredentialDescriptor,
    RegistrationResponse, RequestOptions,
};

impl From<PasskeyType> for PasskeyKind {
    fn from(kind: PasskeyType) -> Self {
        match kind {
            PasskeyType::Passkey => Self::Passkey,
            PasskeyType::SecurityKey => Self::SecurityKey,
        }
    }
}

impl From<PasskeyKind> for PasskeyType {
    fn from(kind: PasskeyKind) -> Self {
        match kind {
            PasskeyKind::Passkey => Self::Passkey,
            PasskeyKind::SecurityKey => Self::SecurityKey,
        }
    }
}

impl From<PasskeyAssertion> for AssertionResponse {
    fn from(sent: PasskeyAssertion) -> Self {
        Self {
            id: sent.id.0,
            client_data: sent.response.client_data.0,
            authenticator_data: sent.response.authenticator_data.0,
            signature: sent.response.signature.0,
            user_handle: sent.response.user_handle.map(|field| field.0),
        }
    }
}

impl From<PasskeyAttestation> for RegistrationResponse {
    fn from(sent: PasskeyAttestation) -> Self {
        let words = sent.response.transports.unwrap_or_default();
        let properties = sent.client_extension_results.and_then(|results| results.cred_props);
        Self {
            id: sent.id.0,
            client_data: sent.response.client_data.0,
            attestation_object: sent.response.attestation_object.0,
            transports: AuthenticatorTransport::known(words.iter().map(String::as_str)),
            discoverable: properties.and_then(|properties| properties.rk),
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn described(list: &[CredentialDescriptor]) -> Vec<DescribedCredential> {
    let one = |descriptor: &CredentialDescriptor| DescribedCredential {
        kind: CredentialType::PublicKey,
        id: secret::encode(&descriptor.id),
        transports: descriptor.transports.iter().map(|one| one.as_str().to_owned()).collect(),
    };
    list.iter().map(one).collect()
}

pub(in super::super) fn request_options(options: &RequestOptions) -> PasskeyRequestOptions {
    PasskeyRequestOptions {
        challenge: secret::encode(&options.challenge),
        timeout: milliseconds(options.timeout),
        rp_id: options.rp_id.clone(),
        allow_credentials: described(&options.allow),
        user_verification: options.user_verification.as_str().to_owned(),
    }
}

pub(in super::super) fn creation_options(options: &CreationOptions) -> PasskeyCreationOptions {
    let parameter = |alg| PasskeyAlgorithm { kind: CredentialType::PublicKey, alg };
    PasskeyCreationOptions {
        rp: PasskeyService { id: options.rp_id.clone(), name: options.rp_name.clone() },
        user: PasskeyUser {
            id: secret::encode(&options.user_handle),
            name: options.user_name.clone(),
            display_name: options.user_display_name.clone(),
        },
        challenge: secret::encode(&options.challenge),
        pub_key_cred_params: CreationOptions::ALGORITHMS.map(parameter).into(),
        timeout: milliseconds(options.timeout),
        exclude_credentials: described(&options.exclude),
        authenticator_selection: AuthenticatorSelection {
            resident_key: options.resident_key.as_str().to_owned(),
            user_verification: options.user_verification.as_str().to_owned(),
        },
        attestation: "none".to_owned(),
        extensions: RequestedExtensions { cred_props: true },
    }
}

pub(in super::super) fn passkey(key: Passkey) -> PasskeyView {
    PasskeyView {
        authenticator: passkey::authenticator(&key).to_owned(),
        aaguid: uuid::Uuid::from_bytes(key.aaguid).to_string(),
        credential_id: secret::encode(&key.credential_id),
        transports: key.transports.split_whitespace().map(str::to_owned).collect(),
        id: key.id,
        kind: key.kind.into(),
        name: key.name,
        discoverable: key.discoverable,
        user_verified: key.user_verified,
        backup_eligible: key.backup_eligible,
        backed_up: key.backed_up,
        suspect_since: time(key.suspect_at),
        created_at: key.created_at.to_seconds_text(),
        last_used: time(key.last_used_at),
    }
}

pub(in super::super) fn passkeys(keys: Vec<Passkey>) -> Vec<PasskeyView> {
    keys.into_iter().map(passkey).collect()
}

pub(in super::super) fn passkey_overview(list: PasskeyList) -> PasskeyOverview {
    let passkeys = passkeys(list.passkeys);
    PasskeyOverview {
        all_accepted_credential_ids: passkeys.iter().map(|key| key.credential_id.clone()).collect(),
        passkeys,
        rp_id: list.rp_id,
        user_id: secret::encode(&list.user_handle),
    }
}

pub(in super::super) fn added_passkey(new: NewKey) -> AddedPasskey {
    AddedPasskey { backup_codes: codes(&new.backup_codes), passkey: passkey(new.passkey) }
}
