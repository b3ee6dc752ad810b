//! What recovery, changes of address, leaving and the export read and write.

use poem_openapi::Object;

use crate::http::fields::{EmailField, PasswordField, TokenField};

/// An address whose password is forgotten.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ForgotPasswordRequest {
    /// The address.
    pub email: EmailField,
}

/// The token of a mailed link and the password that it sets.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetPasswordRequest {
    /// The token.
    pub token: TokenField,
    /// The new password.
    pub new_password: PasswordField,
}

/// The password before and the one after.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangePasswordRequest {
    /// The password as it is.
    pub current_password: PasswordField,
    /// The new password.
    pub new_password: PasswordField,
}

/// What proves once more who the caller is.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ReauthenticateRequest {
    /// The password; either this or `code`.
    pub password: Option<PasswordField>,
    /// A code of the second factor, or a backup code.
    pub code: Option<TokenField>,
}

/// The address that an account should get.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangeEmailRequest {
    /// The new address.
    pub new_email: EmailField,
}

/// The account in an export.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedAccount {
    /// The id.
    pub id: String,
    /// The numeric id that some calls show.
    pub number: i64,
    /// The address.
    pub email: String,
    /// When it was proved.
    pub email_verified_at: Option<String>,
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The whole name, where it was given in one.
    pub name: Option<String>,
    /// The company's name.
    pub company_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// When the number was proved.
    pub phone_verified_at: Option<String>,
    /// Whether there is a password; it is not kept as such.
    pub has_password: bool,
    /// The roles.
    pub roles: Vec<String>,
    /// The last completed login.
    pub last_login: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// A session in an export.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedSession {
    /// Its id.
    pub id: String,
    /// The client address at login.
    pub ip_address: String,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When it was last used, to within a few minutes.
    pub last_activity: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Why it ended.
    pub end_reason: Option<String>,
}

/// A client address that has logged in.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedClient {
    /// The address, or its network.
    pub ip_address: String,
    /// The last login from there.
    pub last_login: String,
}

/// A second factor in an export, without its secret.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedFactor {
    /// What its owner calls it.
    pub name: String,
    /// Which kind.
    pub method: String,
    /// The number that codes go to.
    pub target: Option<String>,
    /// When it was set up.
    pub created_at: String,
    /// When it was confirmed; one that was not guards nothing.
    pub confirmed_at: Option<String>,
    /// When it was last used.
    pub last_used_at: Option<String>,
}

/// A file in an export; what is in it comes with `GET /users/me/files/{id}`.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedFile {
    /// Its id.
    pub id: String,
    /// As its owner called it.
    pub name: String,
    /// The media type.
    pub r#type: String,
    /// How many bytes.
    pub size: i64,
    /// When it came.
    pub uploaded_at: String,
}

/// A record of the security log in an export.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedEvent {
    /// When.
    pub at: String,
    /// What happened.
    pub event: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// In which session.
    pub session_id: Option<String>,
    /// From which client address.
    pub ip_address: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// One word or figure more.
    pub detail: Option<String>,
    /// How often.
    pub count: i64,
}

/// A letter in an export.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExportedMail {
    /// Which letter.
    pub kind: String,
    /// The address that it went to.
    pub recipient: String,
    /// Where it stands: `waiting`, `delivered`, `failed` or `dropped`.
    pub state: String,
    /// When it was written.
    pub created_at: String,
}

/// Everything that is kept about the caller; of what can be many, the newest 10,000.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Export {
    /// When it was taken.
    pub exported_at: String,
    /// The account.
    pub account: ExportedAccount,
    /// Its sessions that are still remembered.
    pub sessions: Vec<ExportedSession>,
    /// The client addresses that have logged in.
    pub clients: Vec<ExportedClient>,
    /// Its second factors.
    pub factors: Vec<ExportedFactor>,
    /// How many backup codes are left.
    pub backup_codes_left: i64,
    /// Its files.
    pub files: Vec<ExportedFile>,
    /// The security log about it.
    pub events: Vec<ExportedEvent>,
    /// The letters to it that are still remembered.
    pub mails: Vec<ExportedMail>,
}
