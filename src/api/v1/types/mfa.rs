//! What second factors and one-time codes read and write.

use poem_openapi::{Enum, Object};

use super::NewSession;
use crate::http::fields::{EmailField, TokenField};

/// What a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum FactorType {
    /// Codes of an authenticator app.
    Totp,
    /// Codes by text message.
    Sms,
    /// Codes by e-mail.
    Email,
}

/// A factor to set up.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaSetupRequest {
    /// What it is.
    #[oai(rename = "type")]
    pub kind: FactorType,
    /// What its owner calls it.
    #[oai(validator(max_length = 100))]
    pub device_name: Option<String>,
}

/// A code, and for a factor that is being set up, which.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaVerifyRequest {
    /// The code, or a backup code.
    pub code: TokenField,
    /// The factor to confirm; absent is the newest that waits for it.
    #[oai(validator(max_length = 64))]
    pub device_id: Option<String>,
}

/// How a code should be sent.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaChallengeRequest {
    /// By which of the login's methods; absent is the first that sends one.
    pub method: Option<FactorType>,
}

/// A factor's new name.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaRenameRequest {
    /// What its owner calls it.
    #[oai(validator(max_length = 100))]
    pub device_name: String,
}

/// An address that a code should be mailed to.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct OtpRequest {
    /// The address.
    pub email: EmailField,
}

/// A mailed code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct OtpVerifyRequest {
    /// The address that it was mailed to.
    pub email: EmailField,
    /// The code.
    pub code: TokenField,
    /// False ends the session with the browser, or after a day; absent is true.
    pub remember_me: Option<bool>,
}

/// A factor that waits for its confirmation, with what is shown this once.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaSetup {
    /// The factor's id.
    pub device_id: String,
    /// What it is.
    #[oai(rename = "type")]
    pub kind: FactorType,
    /// The secret in base32; authenticator apps only.
    #[oai(skip_serializing_if_is_none)]
    pub secret: Option<String>,
    /// The `otpauth` address; authenticator apps only.
    #[oai(skip_serializing_if_is_none)]
    pub otpauth_uri: Option<String>,
    /// The same as a QR code, a PNG in a data URL; authenticator apps only.
    #[oai(skip_serializing_if_is_none)]
    pub qr_code: Option<String>,
    /// Good from the confirmation on; those before them are not good any more then.
    pub backup_codes: Vec<String>,
}

/// A factor.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaDevice {
    /// Its id.
    pub id: String,
    /// What it is.
    #[oai(rename = "type")]
    pub kind: FactorType,
    /// What its owner calls it.
    pub device_name: String,
    /// The end of the number that text messages go to.
    pub phone: Option<String>,
    /// Whether it was confirmed; it guards nothing before.
    pub confirmed: bool,
    /// When it was set up.
    pub created_at: String,
    /// When it last completed a login.
    pub last_used: Option<String>,
}

/// One's own factors.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaOverview {
    /// Whether a login asks for one.
    pub enabled: bool,
    /// The factors, the oldest first.
    pub devices: Vec<MfaDevice>,
    /// How many backup codes are left.
    pub backup_codes_left: i64,
}

/// New backup codes, shown this once.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct BackupCodes {
    /// The codes; those before them are not good any more.
    pub backup_codes: Vec<String>,
}

/// What a code did: with an `mfaToken` it logs in, with an access token it confirms a factor.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct MfaVerifyAnswer {
    /// Always true.
    pub success: bool,
    /// `Login successful` or `MFA verified successfully`.
    pub message: String,
    /// The new session, of a login.
    #[oai(skip_serializing_if_is_none)]
    pub data: Option<NewSession>,
}
