//! What services ask, resets by a mailed code, and what is told of tokens.

use poem_openapi::Object;

use super::super::files::QuotaView;
use super::answers;
use crate::http::fields::{AccessTokenField, EmailField, PasswordField, TokenField};

/// An access token to look at.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct TokenRequest {
    /// The token.
    pub token: AccessTokenField,
}

/// An access token that holds, with whose it is.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct VerifiedToken {
    /// The id of its account.
    pub user_id: String,
    /// The address.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// The session that it belongs to.
    pub session_id: String,
    /// The roles, as they are now.
    pub roles: Vec<String>,
    /// What the roles permit, as it is now.
    pub permissions: Vec<String>,
    /// When it was made.
    pub issued_at: String,
    /// When it is too old.
    pub expires_at: String,
}

/// What a service is told of a token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Introspection {
    /// Whether it holds. Of one that does not, nothing else is said.
    pub active: bool,
    /// The token.
    #[oai(skip_serializing_if_is_none)]
    pub token: Option<VerifiedToken>,
}

/// An address whose upload is counted.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CountUploadRequest {
    /// The address.
    pub email: EmailField,
}

/// The quota of an address.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct QuotaOfAddress {
    /// The address.
    pub email: String,
    /// The quota.
    pub quota: QuotaView,
}

/// How tokens are signed and how long they live.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SigningView {
    /// The algorithm's name.
    pub algorithm: String,
    /// How many seconds an access token lives.
    pub access_expires_in: u64,
    /// How many seconds a session lives without a refresh.
    pub refresh_expires_in: u64,
    /// The shared secret, where one is configured.
    pub secret: Option<SecretView>,
    /// `development` or `production`.
    pub environment: String,
}

/// What tells whether another has the same shared secret.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SecretView {
    /// How many characters it has.
    pub length: u64,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub fingerprint: String,
}

/// An address that a code should be mailed to.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetCodeRequest {
    /// The address.
    pub email: EmailField,
}

/// A mailed code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetCodeVerifyRequest {
    /// The address that it was mailed to.
    pub email: EmailField,
    /// The code.
    pub code: TokenField,
}

/// A mailed code and the password that it sets.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetCodeConfirmRequest {
    /// The address that it was mailed to.
    pub email: EmailField,
    /// The code.
    pub code: TokenField,
    /// The new password.
    pub new_password: PasswordField,
}

answers! {
    /// An access token that holds.
    VerifyTokenAnswer(VerifiedToken) saying "Token is valid";
    /// What a service is told of a token.
    IntrospectionAnswer(Introspection);
    /// The quota of an address.
    QuotaOfAddressAnswer(QuotaOfAddress);
    /// A counted upload.
    UploadCountedAnswer(QuotaOfAddress) saying "Upload counted";
    /// How tokens are signed.
    SigningAnswer(SigningView);
}
