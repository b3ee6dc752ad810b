//! The JSON of browsers: what `toJSON()` of a credential gives, and what
//! `parseCreationOptionsFromJSON()` and `parseRequestOptionsFromJSON()` take. Bytes are base64url
//! without padding.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    AssertionResponse, AuthenticatorTransport, CeremonyError, CreationOptions,
    CredentialDescriptor, RegistrationResponse, RequestOptions,
};
use crate::model::secret;

/// The only type of credentials.
const PUBLIC_KEY: &str = "public-key";

#[derive(Deserialize)]
struct CredentialJson<R> {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
    #[serde(default, rename = "clientExtensionResults")]
    extensions: ExtensionsJson,
}

#[derive(Deserialize, Default)]
struct ExtensionsJson {
    #[serde(default, rename = "credProps")]
    properties: PropertiesJson,
}

#[derive(Deserialize, Default)]
struct PropertiesJson {
    #[serde(default)]
    rk: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttestationJson {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionJson {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

fn bytes(text: &str) -> Result<Vec<u8>, CeremonyError> {
    secret::decode(text).ok_or(CeremonyError::Malformed)
}

fn read<'a, R: Deserialize<'a>>(text: &'a str) -> Result<CredentialJson<R>, CeremonyError> {
    let read: CredentialJson<R> =
        serde_json::from_str(text).map_err(|_| CeremonyError::Malformed)?;
    if read.kind == PUBLIC_KEY { Ok(read) } else { Err(CeremonyError::Malformed) }
}

impl RegistrationResponse {
    /// Reads the JSON text of a new credential.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn from_json(text: &str) -> Result<Self, CeremonyError> {
        let read: CredentialJson<AttestationJson> = read(text)?;
        Ok(Self {
            id: bytes(&read.id)?,
            client_data: bytes(&read.response.client_data)?,
            attestation_object: bytes(&read.response.attestation_object)?,
            transports: AuthenticatorTransport::known(
                read.response.transports.iter().map(String::as_str),
            ),
            discoverable: read.extensions.properties.rk,
        })
    }
}

impl AssertionResponse {
    /// Reads the JSON text of an assertion.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn from_json(text: &str) -> Result<Self, CeremonyError> {
        let read: CredentialJson<AssertionJson> = read(text)?;
        Ok(Self {
            id: bytes(&read.id)?,
            client_data: bytes(&read.response.client_data)?,
            authenticator_data: bytes(&read.response.authenticator_data)?,
            signature: bytes(&read.response.signature)?,
            user_handle: read.response.user_handle.as_deref().map(bytes).transpose()?,
        })
    }
}

fn descriptors(list: &[CredentialDescriptor]) -> Value {
    let one = |descriptor: &CredentialDescriptor| {
        json!({
            "type": PUBLIC_KEY,
            "id": secret::encode(&descriptor.id),
            "transports":
                descriptor.transports.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
        })
    };
    list.iter().map(one).collect()
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl RequestOptions {
    /// The JSON that `parseRequestOptionsFromJSON()` takes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "challenge": secret::encode(&self.challenge),
            "timeout": milliseconds(self.timeout),
            "rpId": self.rp_id,
            "allowCredentials": descriptors(&self.allow),
            "userVerification": self.user_verification.as_str(),
        })
    }
}

impl CreationOptions {
    /// The JSON that `parseCreationOptionsFromJSON()` takes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let parameter = |algorithm| json!({ "type": PUBLIC_KEY, "alg": algorithm });
        json!({
            "rp": { "id": self.rp_id, "name": self.rp_name },
            "user": {
                "id": secret::encode(&self.user_handle),
                "name": self.user_name,
                "displayName": self.user_display_name,
            },
            "challenge": secret::encode(&self.challenge),
            "pubKeyCredParams": Self::ALGORITHMS.map(parameter),
            "timeout": milliseconds(self.timeout),
            "excludeCredentials": descriptors(&self.exclude),
            "authenticatorSelection": {
                "residentKey": self.resident_key.as_str(),
                "userVerification": self.user_verification.as_str(),
            },
            "attestation": "none",
            "extensions": { "credProps": true },
        })
    }
}
