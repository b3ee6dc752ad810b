//! Requests and responses for recovery, changes of the email address, and the account export.

use poem_openapi::Object;
use serde::Serialize;

use super::{IdentityView, PasskeyView};
use crate::http::extract::fields::{EmailField, NewPasswordField, PasswordField, TokenField};

/// Request for a password reset email.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ForgotPasswordRequest {
    /// The email address.
    pub email: EmailField,
}

/// Request to set a new password with the token from an emailed link.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetPasswordRequest {
    /// The token from the link.
    pub token: TokenField,
    /// The new password.
    pub new_password: NewPasswordField,
}

/// Request to change the password.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangePasswordRequest {
    /// The current password.
    pub current_password: PasswordField,
    /// The new password.
    pub new_password: NewPasswordField,
}

/// Proof of the caller's identity.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ReauthenticateRequest {
    /// The password; send either this or `code`.
    pub password: Option<PasswordField>,
    /// A code of the second factor, or a backup code.
    pub code: Option<TokenField>,
}

/// Request to change the email address.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangeEmailRequest {
    /// The new address.
    pub new_email: EmailField,
}

/// The account in an export.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedAccount {
    /// The account's ID.
    pub id: String,
    /// The account's numeric ID, which some calls use.
    pub number: i64,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// When the email address was verified.
    pub email_verified_at: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The full name, if it was given as one field.
    pub name: Option<String>,
    /// The company's name.
    pub company_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// The language that the owner reads, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub locale: Option<String>,
    /// When the phone number was verified.
    pub phone_verified_at: Option<String>,
    /// Whether the account has a password. The password itself is not stored.
    pub has_password: bool,
    /// The account's roles.
    pub roles: Vec<String>,
    /// When the account last completed a login.
    pub last_login: Option<String>,
    /// When the account was created.
    pub created_at: String,
    /// When the account was last changed.
    pub updated_at: String,
}

/// A session in an export.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedSession {
    /// The session's ID.
    pub id: String,
    /// The client's IP address at login.
    pub ip_address: String,
    /// The client's `User-Agent` header.
    pub user_agent: Option<String>,
    /// When the session began.
    pub created_at: String,
    /// When the session was last used, accurate to a few minutes.
    pub last_activity: String,
    /// When the session ended.
    pub ended_at: Option<String>,
    /// Why the session ended.
    pub end_reason: Option<String>,
}

/// An IP address that has logged in.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedClient {
    /// The IP address, or its network.
    pub ip_address: String,
    /// The last login from this address.
    pub last_login: String,
}

/// A second factor in an export, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedFactor {
    /// The factor's name, as given by its owner.
    pub name: String,
    /// The kind of factor.
    pub method: String,
    /// The phone number that receives codes.
    pub target: Option<String>,
    /// When the factor was set up.
    pub created_at: String,
    /// When the factor was confirmed. An unconfirmed factor has no effect.
    pub confirmed_at: Option<String>,
    /// When the factor was last used.
    pub last_used_at: Option<String>,
}

/// A file in an export. Download its content with `GET /users/me/files/{id}`.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedFile {
    /// The file's ID.
    pub id: String,
    /// The file's name, as given by its owner.
    pub name: String,
    /// The media type.
    pub r#type: String,
    /// Size in bytes.
    pub size: i64,
    /// When the file was uploaded.
    pub uploaded_at: String,
}

/// An audit log entry in an export.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedEvent {
    /// When the event happened.
    pub at: String,
    /// The event.
    pub event: String,
    /// Outcome of the event: `done` or `refused`.
    pub outcome: String,
    /// The session of the event.
    pub session_id: Option<String>,
    /// The client's IP address.
    pub ip_address: Option<String>,
    /// The client's `User-Agent` header.
    pub user_agent: Option<String>,
    /// Further detail, such as a reason or a number.
    pub detail: Option<String>,
    /// Number of occurrences.
    pub count: i64,
}

/// An email in an export.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ExportedMail {
    /// The kind of message.
    pub kind: String,
    /// The address that the message was sent to.
    pub recipient: String,
    /// Delivery state: `waiting`, `delivered`, `failed` or `dropped`.
    pub state: String,
    /// When the message was created.
    pub created_at: String,
}

/// All data that the server stores about the caller. Lists that can grow are limited to the newest
/// 10,000 entries.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// When the export was made.
    pub exported_at: String,
    /// The account.
    pub account: ExportedAccount,
    /// Sessions that are still stored.
    pub sessions: Vec<ExportedSession>,
    /// IP addresses that have logged in.
    pub clients: Vec<ExportedClient>,
    /// The account's second factors.
    pub factors: Vec<ExportedFactor>,
    /// Number of unused backup codes.
    pub backup_codes_left: i64,
    /// The passkeys and security keys.
    pub passkeys: Vec<PasskeyView>,
    /// The connected accounts at providers.
    pub identities: Vec<IdentityView>,
    /// The account's files.
    pub files: Vec<ExportedFile>,
    /// Audit log entries about the account.
    pub events: Vec<ExportedEvent>,
    /// Emails to the account that are still stored.
    pub mails: Vec<ExportedMail>,
}
