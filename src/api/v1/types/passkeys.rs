//! Requests and responses for passkeys. Their inner objects are those that browsers make and take:
//! `PublicKeyCredential.toJSON()`, `parseCreationOptionsFromJSON()` and
//! `parseRequestOptionsFromJSON()`.

use poem_openapi::{Enum, Object};
use serde::Serialize;

use crate::http::extract::fields::BinaryField;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum PasskeyType {
    /// Logs in without a password.
    Passkey,
    /// A second factor: a login with the password asks for it.
    SecurityKey,
}

/// The type of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CredentialType {
    #[oai(rename = "public-key")]
    PublicKey,
}

/// What the authenticator signed.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AssertionBody {
    /// Client data.
    #[oai(rename = "clientDataJSON")]
    pub client_data: BinaryField,
    /// Authenticator data.
    pub authenticator_data: BinaryField,
    /// The signature.
    pub signature: BinaryField,
    /// The user handle.
    pub user_handle: Option<BinaryField>,
}

/// A passkey's answer: `toJSON()` of the credential.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyAssertion {
    /// The credential's ID.
    pub id: BinaryField,
    #[oai(rename = "type")]
    pub kind: CredentialType,
    /// What the authenticator signed.
    pub response: AssertionBody,
}

/// Request to log in with a passkey.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyLoginRequest {
    /// The passkey's answer.
    pub credential: PasskeyAssertion,
    /// If `false`, the session ends when the browser closes or after one day. Defaults to `true`.
    pub remember_me: Option<bool>,
}

/// Request to prove possession of a passkey.
#[derive(Debug, Object)]
pub struct PasskeyProofRequest {
    /// The passkey's answer.
    pub credential: PasskeyAssertion,
}

/// Request for the options to add a passkey.
#[derive(Debug, Object)]
pub struct AddPasskeyOptionsRequest {
    /// What the key is for.
    #[oai(rename = "type")]
    pub kind: PasskeyType,
}

/// A new credential, as the authenticator describes it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AttestationBody {
    /// Client data.
    #[oai(rename = "clientDataJSON")]
    pub client_data: BinaryField,
    /// The attestation object.
    pub attestation_object: BinaryField,
    /// How the authenticator can be reached.
    #[oai(validator(max_items = 16))]
    pub transports: Option<Vec<String>>,
}

/// Properties of a new credential.
#[derive(Debug, Object)]
pub struct CredentialProperties {
    /// Whether the credential can be found without its ID.
    pub rk: Option<bool>,
}

/// Results of extensions.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExtensionResults {
    /// Properties of the credential.
    pub cred_props: Option<CredentialProperties>,
}

/// A new passkey: `toJSON()` of the credential.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyAttestation {
    /// The credential's ID.
    pub id: BinaryField,
    #[oai(rename = "type")]
    pub kind: CredentialType,
    /// The credential.
    pub response: AttestationBody,
    /// Results of extensions.
    pub client_extension_results: Option<ExtensionResults>,
}

/// Request to add a passkey.
#[derive(Debug, Object)]
pub struct AddPasskeyRequest {
    /// The new passkey.
    pub credential: PasskeyAttestation,
    /// A name for the passkey. Defaults to the name of the authenticator.
    #[oai(validator(max_length = 100))]
    pub name: Option<String>,
}

/// Request to rename a passkey.
#[derive(Debug, Object)]
pub struct RenamePasskeyRequest {
    /// The new name.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
}

/// Names a credential to the browser.
#[derive(Debug, Object)]
pub struct DescribedCredential {
    #[oai(rename = "type")]
    pub kind: CredentialType,
    /// The credential's ID, in base64url.
    pub id: String,
    /// How its authenticator can be reached.
    pub transports: Vec<String>,
}

/// Options for `navigator.credentials.get()`.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyRequestOptions {
    /// The challenge, in base64url, for one answer within ten minutes.
    pub challenge: String,
    /// In milliseconds.
    pub timeout: u64,
    /// The domain that the passkeys are bound to.
    pub rp_id: String,
    /// The credentials that may answer. Empty: the user chooses one.
    pub allow_credentials: Vec<DescribedCredential>,
    /// Whether the authenticator has to check who the user is.
    pub user_verification: String,
}

/// The service, as authenticators show it.
#[derive(Debug, Object)]
pub struct PasskeyService {
    /// The domain.
    pub id: String,
    /// The service's name.
    pub name: String,
}

/// The account, as authenticators show it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyUser {
    /// The user handle, in base64url.
    pub id: String,
    /// The username or email address.
    pub name: String,
    /// The user's name.
    pub display_name: String,
}

/// An algorithm.
#[derive(Debug, Object)]
pub struct PasskeyAlgorithm {
    #[oai(rename = "type")]
    pub kind: CredentialType,
    /// Its number in the COSE registry.
    pub alg: i64,
}

/// Requirements for the authenticator.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuthenticatorSelection {
    /// Whether the credential has to be found without its ID.
    pub resident_key: String,
    /// Whether the authenticator has to check who the user is.
    pub user_verification: String,
}

/// Requested extensions.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RequestedExtensions {
    /// Asks for the properties of the credential.
    pub cred_props: bool,
}

/// Options for `navigator.credentials.create()`.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyCreationOptions {
    /// The service.
    pub rp: PasskeyService,
    /// The account.
    pub user: PasskeyUser,
    /// The challenge, in base64url, for this session and ten minutes.
    pub challenge: String,
    /// The accepted algorithms, the preferred first.
    pub pub_key_cred_params: Vec<PasskeyAlgorithm>,
    /// In milliseconds.
    pub timeout: u64,
    /// The account's credentials.
    pub exclude_credentials: Vec<DescribedCredential>,
    /// Requirements for the authenticator.
    pub authenticator_selection: AuthenticatorSelection,
    /// Always `none`.
    pub attestation: String,
    /// Requested extensions.
    pub extensions: RequestedExtensions,
}

/// A passkey or security key.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct PasskeyView {
    /// The passkey's ID.
    pub id: String,
    /// What the key is for.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: PasskeyType,
    /// Its name, as given by its owner.
    pub name: String,
    /// The name of the authenticator; `Passkey` if it is not known.
    pub authenticator: String,
    /// The model of the authenticator, as a UUID.
    pub aaguid: String,
    /// The credential's ID, in base64url.
    pub credential_id: String,
    /// How its authenticator can be reached.
    pub transports: Vec<String>,
    /// Whether it can be found without its ID; `null` if the browser did not say.
    pub discoverable: Option<bool>,
    /// Whether the authenticator checked who the user is when it was added.
    pub user_verified: bool,
    /// Whether it can be copied to other devices.
    pub backup_eligible: bool,
    /// Whether it is backed up.
    pub backed_up: bool,
    /// When its counter first went back: the key may have been copied.
    pub suspect_since: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// When it was last used.
    pub last_used: Option<String>,
}

/// The caller's passkeys, with the arguments of `signalAllAcceptedCredentials()`.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PasskeyOverview {
    /// The passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// The domain that the passkeys are bound to.
    pub rp_id: String,
    /// The user handle, in base64url.
    pub user_id: String,
    /// The IDs of all credentials, in base64url.
    pub all_accepted_credential_ids: Vec<String>,
}

/// A passkey that was just added.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AddedPasskey {
    /// The passkey.
    pub passkey: PasskeyView,
    /// Backup codes, shown only once, if this is the account's first second factor. Otherwise empty.
    pub backup_codes: Vec<String>,
}

super::answers! {
    /// Options for `navigator.credentials.get()`.
    PasskeyRequestAnswer(PasskeyRequestOptions);
    /// Options for `navigator.credentials.create()`.
    PasskeyCreationAnswer(PasskeyCreationOptions);
    /// A passkey.
    PasskeyAnswer(PasskeyView);
    /// The caller's passkeys.
    PasskeyOverviewAnswer(PasskeyOverview);
    /// An account's passkeys.
    PasskeyListAnswer(Vec<PasskeyView>);
    /// A passkey that was just added.
    AddedPasskeyAnswer(AddedPasskey) saying "Passkey added successfully";
}
