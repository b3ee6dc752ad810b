//! Requests and responses for other services and for reset codes.

use poem_openapi::Object;

use super::super::files::QuotaView;
use crate::http::extract::fields::{AccessTokenField, EmailField, NewPasswordField, TokenField};

/// Request to check an access token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct TokenRequest {
    /// The access token.
    pub token: AccessTokenField,
}

/// A valid access token and the account that it belongs to.
#[derive(Debug, Object)]
#[oai(rename = "VerifiedToken", rename_all = "camelCase")]
pub struct TokenVerification {
    /// The account's ID.
    pub user_id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// The session that the token belongs to.
    pub session_id: String,
    /// The account's current roles.
    pub roles: Vec<String>,
    /// The permissions that the roles currently grant.
    pub permissions: Vec<String>,
    /// When the token was issued.
    pub issued_at: String,
    /// When the token expires.
    pub expires_at: String,
}

/// The result of introspecting a token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Introspection {
    /// Whether the token is valid. If not, the response contains nothing else.
    pub active: bool,
    /// The token.
    #[oai(skip_serializing_if_is_none)]
    pub token: Option<TokenVerification>,
}

/// Request to count an upload.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CountUploadRequest {
    /// The email address.
    pub email: EmailField,
}

/// The upload quota of an email address.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct QuotaOfAddress {
    /// The email address.
    pub email: String,
    /// The quota.
    pub quota: QuotaView,
}

/// How the server signs tokens, and how long they are valid.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SigningView {
    /// The signature algorithm.
    pub algorithm: String,
    /// Lifetime of an access token, in seconds.
    pub access_expires_in: u64,
    /// How long a session lasts without a refresh, in seconds.
    pub refresh_expires_in: u64,
    /// The shared secret, if one is configured.
    #[oai(skip_serializing_if_is_none)]
    pub secret: Option<SecretView>,
    /// `development` or `production`.
    pub environment: String,
}

/// Information to check that another service uses the same shared secret.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SecretView {
    /// Number of characters in the secret.
    pub length: u64,
    /// The first 16 hexadecimal digits of the secret's SHA-256 hash.
    pub fingerprint: String,
}

/// Request for a reset code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetCodeRequest {
    /// The email address.
    pub email: EmailField,
}

/// Request to verify a reset code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetCodeVerifyRequest {
    /// The email address that the code was sent to.
    pub email: EmailField,
    /// The code.
    pub code: TokenField,
}

/// Request to set a new password with a reset code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetCodeConfirmRequest {
    /// The email address that the code was sent to.
    pub email: EmailField,
    /// The code.
    pub code: TokenField,
    /// The new password.
    pub new_password: NewPasswordField,
}

answers! {
    /// A valid access token.
    VerifyTokenAnswer(TokenVerification) saying "Token is valid";
    /// The result of introspecting a token.
    IntrospectionAnswer(Introspection);
    /// The upload quota of an email address.
    QuotaOfAddressAnswer(QuotaOfAddress);
    /// The upload quota after an upload was counted.
    UploadCountedAnswer(QuotaOfAddress) saying "Upload counted";
    /// How the server signs tokens.
    SigningAnswer(SigningView);
}
