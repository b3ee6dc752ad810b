//! Requests and responses for second factors and one-time codes.

use poem_openapi::{Enum, Object};

use super::LoginSession;
use crate::http::extract::fields::{EmailField, TokenField};

/// The kind of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum FactorType {
    /// Codes from an authenticator app.
    Totp,
    /// Codes sent by text message.
    Sms,
    /// Codes sent by email.
    Email,
}

/// Request to set up a second factor.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaSetupRequest {
    /// The kind of factor.
    #[oai(rename = "type")]
    pub kind: FactorType,
    /// A name for the factor.
    #[oai(validator(max_length = 100))]
    pub device_name: Option<String>,
}

/// Request to verify a code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaVerifyRequest {
    /// A one-time code or a backup code.
    pub code: TokenField,
    /// The `deviceId` of the factor to confirm. Without it, and for an ID of the client's own, the
    /// newest unconfirmed factor.
    #[oai(validator(max_length = 64))]
    pub device_id: Option<String>,
}

/// Request to resend a login code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaChallengeRequest {
    /// One of the login's methods. Defaults to the first method that can send a code.
    pub method: Option<FactorType>,
}

/// Request to rename a second factor.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaRenameRequest {
    /// The new name.
    #[oai(validator(max_length = 100))]
    pub device_name: String,
}

/// Request for a login code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct OtpRequest {
    /// The email address.
    pub email: EmailField,
}

/// Request to log in with an emailed code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct OtpVerifyRequest {
    /// The email address that the code was sent to.
    pub email: EmailField,
    /// The code.
    pub code: TokenField,
    /// If `false`, the session ends when the browser closes or after one day. Defaults to `true`.
    pub remember_me: Option<bool>,
}

/// A second factor that is not confirmed yet, with secrets that are shown only once.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaSetup {
    /// The factor's ID.
    pub device_id: String,
    /// The kind of factor.
    #[oai(rename = "type")]
    pub kind: FactorType,
    /// The secret in base32. Authenticator apps only.
    #[oai(skip_serializing_if_is_none)]
    pub secret: Option<String>,
    /// The `otpauth` URI. Authenticator apps only.
    #[oai(skip_serializing_if_is_none)]
    pub otpauth_uri: Option<String>,
    /// The URI as a QR code: a PNG image in a data URL. Authenticator apps only.
    #[oai(skip_serializing_if_is_none)]
    pub qr_code: Option<String>,
    /// Backup codes. They work once the factor is confirmed; the previous backup codes then stop
    /// working.
    pub backup_codes: Vec<String>,
}

/// A second factor.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaDevice {
    /// The factor's ID.
    pub id: String,
    /// The kind of factor.
    #[oai(rename = "type")]
    pub kind: FactorType,
    /// The factor's name, as given by its owner.
    pub device_name: String,
    /// The last digits of the phone number that receives text messages.
    pub phone: Option<String>,
    /// Whether the factor is confirmed. An unconfirmed factor has no effect.
    pub confirmed: bool,
    /// When the factor was set up.
    pub created_at: String,
    /// When the factor last completed a login.
    pub last_used: Option<String>,
}

/// The caller's second factors.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaOverview {
    /// Whether a login requires a second factor.
    pub enabled: bool,
    /// The factors, oldest first.
    pub devices: Vec<MfaDevice>,
    /// Number of unused backup codes.
    pub backup_codes_left: i64,
}

/// New backup codes, shown only once.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct BackupCodes {
    /// The codes. The previous codes stop working.
    pub backup_codes: Vec<String>,
}

/// Response to a code. With an `mfaToken`, the code completes a login; with an access token, it
/// confirms or checks a factor.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaVerifyAnswer {
    /// Always `true`.
    pub success: bool,
    /// `Login successful` or `MFA verified successfully`.
    pub message: String,
    /// The new session, if the code completed a login.
    #[oai(skip_serializing_if_is_none)]
    pub data: Option<LoginSession>,
}
