//! Requests and responses of the jobpsych wire, in the order of its document.

use poem_openapi::Object;

use crate::http::extract::fields::{
    AccessTokenField, EmailField, NewPasswordField, PasswordField, TokenField,
};

/// Request to create an account.
#[derive(Debug, Object)]
#[oai(rename = "RegisterRequest")]
pub struct JobpsychRegisterRequest {
    /// The full name.
    #[oai(validator(max_length = 255))]
    pub name: String,
    /// The email address; must be unique.
    pub email: EmailField,
    /// The password.
    pub password: NewPasswordField,
    /// The company's name.
    #[oai(validator(max_length = 255))]
    pub company_name: String,
}

/// Request to log in.
#[derive(Debug, Object)]
#[oai(rename = "LoginRequest")]
pub struct JobpsychLoginRequest {
    /// The email address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

/// Request to reset the password. An email address alone requests a link; the link's token with a
/// new password sets it.
#[derive(Debug, Object)]
#[oai(rename = "ResetPasswordRequest", rename_all = "camelCase")]
pub struct JobpsychResetPasswordRequest {
    /// The email address of the account.
    pub email: Option<EmailField>,
    /// The token from the emailed link.
    pub token: Option<TokenField>,
    /// The new password.
    pub new_password: Option<NewPasswordField>,
}

/// Request to change the password.
#[derive(Debug, Object)]
#[oai(rename = "ChangePasswordRequest", rename_all = "camelCase")]
pub struct JobpsychChangePasswordRequest {
    /// The current password.
    pub current_password: PasswordField,
    /// The new password.
    pub new_password: NewPasswordField,
}

/// Request to count an upload.
#[derive(Debug, Object)]
pub struct IncrementRequest {
    /// The email address.
    pub email: EmailField,
}

/// Request to verify a token.
#[derive(Debug, Object)]
pub struct VerifyTokenRequest {
    /// The access token.
    pub token: AccessTokenField,
}

/// The caller's account.
#[derive(Debug, Object)]
#[oai(rename = "User")]
pub struct JobpsychUser {
    /// The account's number, as a string.
    pub id: String,
    /// The full name.
    pub name: String,
    /// The email address.
    pub email: String,
    /// The company's name.
    pub company_name: String,
    /// Number of uploads counted.
    #[oai(rename = "filesUploaded")]
    pub files_uploaded: i64,
}

/// Response with a new session.
#[derive(Debug, Object)]
#[oai(rename = "SessionAnswer")]
pub struct JobpsychSessionAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The access token.
    #[oai(rename = "accessToken")]
    pub access_token: String,
    /// The account that logged in.
    pub user: JobpsychUser,
}

/// Response with a refreshed session.
#[derive(Debug, Object)]
#[oai(rename = "RefreshAnswer", rename_all = "camelCase")]
pub struct JobpsychRefreshAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The new access token.
    pub access_token: String,
}

/// Response that only confirms success.
#[derive(Debug, Object)]
#[oai(rename = "Done")]
pub struct JobpsychDone {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
}

/// The caller's account.
#[derive(Debug, Object)]
#[oai(rename = "ProfileAnswer")]
pub struct JobpsychProfileAnswer {
    /// Always `true`.
    pub success: bool,
    /// The account.
    pub user: JobpsychUser,
}

/// The upload quota of an account, for a second service.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UploadsAnswer {
    /// Always `true`.
    pub success: bool,
    /// The account's email address.
    pub email: String,
    /// Number of uploads counted.
    pub files_uploaded: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
    /// Human-readable message.
    pub message: String,
}

/// The upload quota after an upload was counted.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct IncrementAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The account's email address.
    pub email: String,
    /// Number of uploads counted.
    pub files_uploaded: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
}

/// Upload statistics.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UploadStats {
    /// The account's email address.
    pub email: String,
    /// The full name.
    pub name: String,
    /// Number of uploads counted.
    pub total_uploads: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
    /// Share of the quota that is used, in whole percent.
    pub percentage: i64,
    /// Whether another upload is allowed.
    pub can_upload: bool,
}

/// The caller's upload statistics.
#[derive(Debug, Object)]
pub struct UploadStatsAnswer {
    /// Always `true`.
    pub success: bool,
    /// The statistics.
    pub stats: UploadStats,
}

/// The content of a token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Decoded {
    /// The account's number, as a string.
    pub user_id: String,
    /// The email address.
    pub email: String,
    /// When the token was issued, in seconds since 1970.
    pub iat: i64,
    /// When the token expires, in seconds since 1970.
    pub exp: i64,
}

/// A valid token.
#[derive(Debug, Object)]
pub struct VerifyTokenAnswer {
    /// Always `true`.
    pub success: bool,
    /// The content of the token.
    pub decoded: Decoded,
}

/// How the server signs tokens.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct JwtInfo {
    /// The signature algorithm.
    pub algorithm: String,
    /// Lifetime of access tokens.
    pub access_token_expiry: String,
    /// Lifetime of refresh tokens.
    pub refresh_token_expiry: String,
    /// Number of characters in the shared secret.
    pub secret_length: Option<i64>,
    /// The first characters of the secret. Outside production only.
    #[oai(skip_serializing_if_is_none)]
    pub secret_first_chars: Option<String>,
    /// The last characters of the secret. Outside production only.
    #[oai(skip_serializing_if_is_none)]
    pub secret_last_chars: Option<String>,
    /// The first 16 hexadecimal digits of the secret's SHA-256 hash.
    pub secret_fingerprint: Option<String>,
    /// `development` or `production`.
    pub environment: String,
    /// The current time.
    pub timestamp: String,
}

/// How the server signs tokens, for comparison with a second service.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct JwtInfoAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The signing configuration.
    pub jwt_info: JwtInfo,
    /// What to do with this information.
    pub note: String,
}

/// An uploaded file.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct StoredFile {
    /// The file's ID.
    pub id: String,
    /// The file's name, as given by its owner.
    pub name: String,
    /// Size in bytes.
    pub size: i64,
    /// The media type, detected from the content.
    #[oai(rename = "type")]
    pub kind: String,
    /// When the upload was completed.
    pub uploaded_at: String,
}

/// An uploaded file, and the quota after the upload.
#[derive(Debug, Object)]
#[oai(rename = "UploadAnswer", rename_all = "camelCase")]
pub struct JobpsychUploadAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The file.
    pub file: StoredFile,
    /// Number of uploads counted.
    pub files_uploaded: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
}

/// The caller's files.
#[derive(Debug, Object)]
#[oai(rename = "FilesAnswer")]
pub struct JobpsychFilesAnswer {
    /// Always `true`.
    pub success: bool,
    /// The files, newest first.
    pub files: Vec<StoredFile>,
}

/// Statistics about the caller's files.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct FileStats {
    /// Number of files.
    pub total_files: i64,
    /// Total size in bytes.
    pub total_size: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
    /// Share of the quota that is used, in whole percent.
    pub percentage: i64,
}

/// Statistics about the caller's files.
#[derive(Debug, Object)]
pub struct FileStatsAnswer {
    /// Always `true`.
    pub success: bool,
    /// The statistics.
    pub stats: FileStats,
}

/// Paths of the API.
#[derive(Debug, Object)]
#[oai(rename = "Endpoints")]
pub struct JobpsychEndpoints {
    /// Accounts and sessions.
    pub auth: String,
    /// Files.
    pub files: String,
    /// Health check.
    pub health: String,
}

/// Overview of the API.
#[derive(Debug, Object)]
#[oai(rename = "Index")]
pub struct JobpsychIndex {
    /// Always `true`.
    pub success: bool,
    /// The name of the API.
    pub message: String,
    /// The version of the API.
    pub version: String,
    /// Paths of the API.
    pub endpoints: JobpsychEndpoints,
    /// Path of the documentation.
    pub documentation: String,
}

/// Status of the server's features.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Features {
    /// Always `active`.
    pub authentication: String,
    /// Always `active`.
    pub rate_limiting: String,
    /// Always `active`.
    pub file_uploads: String,
    /// Always `active`.
    pub fastapi_integration: String,
}

/// Status of the service.
#[derive(Debug, Object)]
#[oai(rename = "HealthReport")]
pub struct JobpsychHealthReport {
    /// `OK`, or `UNAVAILABLE` while the database cannot be read.
    pub status: String,
    /// The service's name.
    pub service: String,
    /// Seconds since the server started.
    pub uptime: f64,
    /// The current time.
    pub timestamp: String,
    /// The version of the API.
    pub version: String,
    /// `development` or `production`.
    pub environment: String,
    /// `connected` or `disconnected`.
    pub database: String,
    /// Status of the server's features.
    pub features: Features,
}
