//! What the jobpsych wire reads and writes, field by field, in the order of its document.

use poem_openapi::Object;

use crate::http::fields::{AccessTokenField, EmailField, PasswordField, TokenField};

/// What a sign-up brings.
#[derive(Debug, Object)]
pub struct RegisterRequest {
    /// The whole name.
    #[oai(validator(max_length = 255))]
    pub name: String,
    /// The address, which must be unique.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
    /// The company's name.
    #[oai(validator(max_length = 255))]
    pub company_name: String,
}

/// What a login brings.
#[derive(Debug, Object)]
pub struct LoginRequest {
    /// The address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

/// An address alone asks for a link; the link's token with a new password sets it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetPasswordRequest {
    /// Who has forgotten it.
    pub email: Option<EmailField>,
    /// The token of the mailed link.
    pub token: Option<TokenField>,
    /// What the password shall be.
    pub new_password: Option<PasswordField>,
}

/// The old password and the new one.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangePasswordRequest {
    /// The password as it is.
    pub current_password: PasswordField,
    /// What it shall be.
    pub new_password: PasswordField,
}

/// Whose upload is counted.
#[derive(Debug, Object)]
pub struct IncrementRequest {
    /// The address.
    pub email: EmailField,
}

/// A token to look at.
#[derive(Debug, Object)]
pub struct VerifyTokenRequest {
    /// The access token.
    pub token: AccessTokenField,
}

/// An account as its owner sees it.
#[derive(Debug, Object)]
pub struct User {
    /// The number of the account, as text.
    pub id: String,
    /// The whole name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The company's name.
    pub company_name: String,
    /// How many uploads were counted.
    #[oai(rename = "filesUploaded")]
    pub files_uploaded: i64,
}

/// A session that has begun.
#[derive(Debug, Object)]
pub struct SessionAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// The access token.
    #[oai(rename = "accessToken")]
    pub access_token: String,
    /// Whose it is.
    pub user: User,
}

/// A session that goes on.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RefreshAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// The new access token.
    pub access_token: String,
}

/// Done.
#[derive(Debug, Object)]
pub struct Done {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
}

/// One's own account.
#[derive(Debug, Object)]
pub struct ProfileAnswer {
    /// Always true.
    pub success: bool,
    /// The account.
    pub user: User,
}

/// How much of a quota is used, for a service that asks.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UploadsAnswer {
    /// Always true.
    pub success: bool,
    /// Whose.
    pub email: String,
    /// How many uploads were counted.
    pub files_uploaded: i64,
    /// How many are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
    /// What was done.
    pub message: String,
}

/// A quota as it is after an upload was counted.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct IncrementAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// Whose.
    pub email: String,
    /// How many uploads were counted.
    pub files_uploaded: i64,
    /// How many are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
}

/// A quota in figures.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UploadStats {
    /// Whose.
    pub email: String,
    /// The whole name.
    pub name: String,
    /// How many uploads were counted.
    pub total_uploads: i64,
    /// How many are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
    /// How much is used, in whole percent.
    pub percentage: i64,
    /// Whether one more is allowed.
    pub can_upload: bool,
}

/// One's own quota.
#[derive(Debug, Object)]
pub struct UploadStatsAnswer {
    /// Always true.
    pub success: bool,
    /// The figures.
    pub stats: UploadStats,
}

/// What a token says.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Decoded {
    /// The number of the account, as text.
    pub user_id: String,
    /// The address.
    pub email: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it dies, in seconds since 1970.
    pub exp: i64,
}

/// A token that is good.
#[derive(Debug, Object)]
pub struct VerifyTokenAnswer {
    /// Always true.
    pub success: bool,
    /// What it says.
    pub decoded: Decoded,
}

/// How tokens are signed.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct JwtInfo {
    /// The algorithm.
    pub algorithm: String,
    /// How long access tokens live.
    pub access_token_expiry: String,
    /// How long refresh tokens live.
    pub refresh_token_expiry: String,
    /// How many characters the shared secret has.
    pub secret_length: Option<i64>,
    /// Its first characters, outside production.
    #[oai(skip_serializing_if_is_none)]
    pub secret_first_chars: Option<String>,
    /// Its last characters, outside production.
    #[oai(skip_serializing_if_is_none)]
    pub secret_last_chars: Option<String>,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub secret_fingerprint: Option<String>,
    /// `development` or `production`
    pub environment: String,
    /// Now.
    pub timestamp: String,
}

/// How tokens are signed, to compare with a second service.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct JwtInfoAnswer {
    /// Always true.
    pub success: bool,
    /// What this is.
    pub message: String,
    /// The figures.
    pub jwt_info: JwtInfo,
    /// What to do with it.
    pub note: String,
}

/// A file.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct StoredFile {
    /// Its id.
    pub id: String,
    /// As its owner called it.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// The media type, found from the content.
    #[oai(rename = "type")]
    pub kind: String,
    /// When its last piece came.
    pub uploaded_at: String,
}

/// An uploaded file, with the quota as it is then.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// The file.
    pub file: StoredFile,
    /// How many uploads were counted.
    pub files_uploaded: i64,
    /// How many are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
}

/// One's own files.
#[derive(Debug, Object)]
pub struct FilesAnswer {
    /// Always true.
    pub success: bool,
    /// The newest first.
    pub files: Vec<StoredFile>,
}

/// One's own files in figures.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct FileStats {
    /// How many there are.
    pub total_files: i64,
    /// Their bytes together.
    pub total_size: i64,
    /// How many uploads are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
    /// How much of the quota is used, in whole percent.
    pub percentage: i64,
}

/// One's own files in figures.
#[derive(Debug, Object)]
pub struct FileStatsAnswer {
    /// Always true.
    pub success: bool,
    /// The figures.
    pub stats: FileStats,
}

/// Where the calls are.
#[derive(Debug, Object)]
pub struct Endpoints {
    /// Accounts and sessions.
    pub auth: String,
    /// Files.
    pub files: String,
    /// How the service is.
    pub health: String,
}

/// What there is.
#[derive(Debug, Object)]
pub struct Index {
    /// Always true.
    pub success: bool,
    /// What this is.
    pub message: String,
    /// The version of the API.
    pub version: String,
    /// Where the calls are.
    pub endpoints: Endpoints,
    /// Where the documentation is.
    pub documentation: String,
}

/// What works.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Features {
    /// `active`
    pub authentication: String,
    /// `active`
    pub rate_limiting: String,
    /// `active`
    pub file_uploads: String,
    /// `active`
    pub fastapi_integration: String,
}

/// How the service is.
#[derive(Debug, Object)]
pub struct HealthReport {
    /// `OK`, or `UNAVAILABLE` while the database cannot be read.
    pub status: String,
    /// The service's own name for itself.
    pub service: String,
    /// Seconds since the start.
    pub uptime: f64,
    /// Now.
    pub timestamp: String,
    /// The version of the API.
    pub version: String,
    /// `development` or `production`
    pub environment: String,
    /// `connected` or `disconnected`
    pub database: String,
    /// What works.
    pub features: Features,
}
