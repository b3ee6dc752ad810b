//! Requests and responses of the authbackend wire, in the order of its document.

use poem_openapi::Object;

use crate::http::extract::fields::{
    AccessTokenField, EmailField, NewPasswordField, PasswordField, TokenField,
};

/// Request to create an account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SignUpRequest {
    /// The email address; must be unique.
    pub email: EmailField,
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// The password.
    pub password: NewPasswordField,
    /// Must be `user`, the role that every new account gets.
    pub role: Option<String>,
}

/// Request with the token from an emailed link.
#[derive(Debug, Object)]
#[oai(rename = "LinkRequest", rename_all = "camelCase")]
pub struct AuthbackendLinkRequest {
    /// The token from the link.
    pub token: TokenField,
}

/// Request to log in.
#[derive(Debug, Object)]
#[oai(rename = "LoginRequest", rename_all = "camelCase")]
pub struct AuthbackendLoginRequest {
    /// The email address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

/// Request with a code that was emailed to an address.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CodeRequest {
    /// The email address.
    pub email: EmailField,
    /// The code. To complete a login, a code from an authenticator app or a backup code is accepted
    /// too.
    pub otp_code: TokenField,
}

/// Request for a password reset code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ForgotRequest {
    /// The email address.
    pub email: EmailField,
}

/// Request to set a new password with an emailed code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetRequest {
    /// The email address.
    pub email: EmailField,
    /// The code.
    pub otp_code: TokenField,
    /// The new password.
    pub new_password: NewPasswordField,
}

/// Request to change the password.
#[derive(Debug, Object)]
#[oai(rename = "ChangePasswordRequest", rename_all = "camelCase")]
pub struct AuthbackendChangePasswordRequest {
    /// The current password.
    pub current_password: PasswordField,
    /// The new password.
    pub new_password: NewPasswordField,
}

/// Request to validate an access token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AccessTokenRequest {
    /// The access token.
    pub token: AccessTokenField,
}

/// Request for a new access token.
#[derive(Debug, Object)]
#[oai(rename = "RefreshRequest", rename_all = "camelCase")]
pub struct AuthbackendRefreshRequest {
    /// The refresh token.
    pub refresh_token: TokenField,
}

/// Request to set the only role of an account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RoleRequest {
    /// The role's name.
    pub role: String,
}

/// Response that only confirms success.
#[derive(Debug, Object)]
#[oai(rename = "Done")]
pub struct AuthbackendDone {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
}

/// A newly created account.
#[derive(Debug, Object)]
#[oai(rename = "SignedUp", rename_all = "camelCase")]
pub struct AuthbackendSignedUp {
    /// The account's ID.
    pub user_id: i64,
    /// The email address.
    pub email: String,
    /// Whether the email address must be verified before the first login.
    pub email_verification_required: bool,
}

/// Response to a sign-up.
#[derive(Debug, Object)]
pub struct SignUpAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The account.
    pub data: AuthbackendSignedUp,
}

/// A login that requires a code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Waiting {
    /// The email address, as entered.
    pub email: String,
    /// Always `true`.
    pub otp_required: bool,
}

/// Response to a correct password.
#[derive(Debug, Object)]
#[oai(rename = "LoginAnswer")]
pub struct AuthbackendLoginAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The pending login.
    pub data: Waiting,
}

/// The account that logged in.
#[derive(Debug, Object)]
#[oai(rename = "SessionUser")]
pub struct AuthbackendSessionUser {
    /// The account's ID.
    pub id: i64,
    /// The email address.
    pub email: String,
    /// The account's highest role.
    pub role: String,
}

/// A new session.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoggedIn {
    /// The access token.
    pub token: String,
    /// The refresh token. It stays the same when it is used.
    pub refresh_token: String,
    /// The account.
    pub user: AuthbackendSessionUser,
    /// The session's ID.
    pub session_id: String,
}

/// Response to the code of a login.
#[derive(Debug, Object)]
#[oai(rename = "SessionAnswer")]
pub struct AuthbackendSessionAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The session.
    pub data: LoggedIn,
}

/// The account that a token belongs to.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Holder {
    /// The account's ID.
    pub user_id: i64,
    /// The email address.
    pub email: String,
    /// The account's highest role.
    pub role: String,
}

/// Response for a valid token.
#[derive(Debug, Object)]
pub struct TokenAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The account that the token belongs to.
    pub data: Holder,
}

/// A new access token.
#[derive(Debug, Object)]
pub struct NewToken {
    /// The access token.
    pub token: String,
}

/// Response to a token refresh.
#[derive(Debug, Object)]
#[oai(rename = "RefreshAnswer")]
pub struct AuthbackendRefreshAnswer {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The new access token.
    pub data: NewToken,
}

/// A session of the caller.
#[derive(Debug, Object)]
#[allow(clippy::struct_field_names, reason = "the document's names")]
#[oai(rename_all = "camelCase")]
pub struct Session {
    /// The session's ID.
    pub session_id: String,
    /// Browser and operating system, such as `Chrome on Windows`.
    pub device: String,
    /// When the session was last used, accurate to a few minutes.
    pub last_active: String,
    /// Whether this call uses the session.
    pub is_current: bool,
}

/// The caller's sessions.
#[derive(Debug, Object)]
#[oai(rename = "Sessions")]
pub struct AuthbackendSessions {
    /// Active sessions, most recently used first.
    pub sessions: Vec<Session>,
}

/// Response with the caller's sessions.
#[derive(Debug, Object)]
pub struct SessionsAnswer {
    /// Always `true`.
    pub success: bool,
    /// The sessions.
    pub data: AuthbackendSessions,
}

/// An account, as administrators see it.
#[derive(Debug, Object)]
#[oai(rename = "User", rename_all = "camelCase")]
pub struct AuthbackendUser {
    /// The account's ID.
    pub id: i64,
    /// The email address.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The account's highest role.
    pub role: String,
    /// Whether the email address is verified.
    pub is_email_verified: bool,
    /// When the account was created.
    pub created_at: String,
}

/// A list of accounts.
#[derive(Debug, Object)]
#[oai(rename = "Users")]
pub struct AuthbackendUsers {
    /// The accounts, in the order of their IDs.
    pub users: Vec<AuthbackendUser>,
}

/// Response with accounts.
#[derive(Debug, Object)]
pub struct UsersAnswer {
    /// Always `true`.
    pub success: bool,
    /// The accounts.
    pub data: AuthbackendUsers,
}

/// One account.
#[derive(Debug, Object)]
pub struct OneUser {
    /// The account.
    pub user: AuthbackendUser,
}

/// Response with one account.
#[derive(Debug, Object)]
pub struct UserAnswer {
    /// Always `true`.
    pub success: bool,
    /// The account.
    pub data: OneUser,
}

/// Statistics.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Statistics {
    /// Accounts that are not deleted.
    pub total_users: i64,
    /// Number of these accounts with a verified email address.
    pub verified_users: i64,
    /// Completed logins since the server was set up.
    pub total_logins: i64,
    /// Active sessions.
    pub active_sessions: i64,
}

/// Response with statistics.
#[derive(Debug, Object)]
pub struct StatisticsAnswer {
    /// Always `true`.
    pub success: bool,
    /// The statistics.
    pub data: Statistics,
}

/// Completed logins of one day.
#[derive(Debug, Object)]
pub struct Daily {
    /// The day, in UTC.
    pub date: String,
    /// Number of logins.
    pub count: i64,
}

/// Completed logins of one month.
#[derive(Debug, Object)]
pub struct Monthly {
    /// The month, in UTC.
    pub month: String,
    /// Number of logins.
    pub count: i64,
}

/// Completed logins.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Logins {
    /// The last 30 days, oldest first.
    pub daily_logins: Vec<Daily>,
    /// The last 12 months, oldest first.
    pub monthly_logins: Vec<Monthly>,
}

/// Response with completed logins.
#[derive(Debug, Object)]
pub struct LoginsAnswer {
    /// Always `true`.
    pub success: bool,
    /// The logins.
    pub data: Logins,
}

/// Status of the service.
#[derive(Debug, Object)]
#[oai(rename = "Health")]
pub struct AuthbackendHealth {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
    /// The current time.
    pub timestamp: String,
    /// `development` or `production`.
    pub environment: String,
}

/// Paths of the API.
#[derive(Debug, Object)]
#[oai(rename = "Endpoints")]
pub struct AuthbackendEndpoints {
    /// Sign-up and login.
    pub auth: String,
    /// Administration.
    pub admin: String,
    /// Health check.
    pub health: String,
}

/// Overview of the API.
#[derive(Debug, Object)]
#[oai(rename = "Index")]
pub struct AuthbackendIndex {
    /// Always `true`.
    pub success: bool,
    /// The name of the API.
    pub message: String,
    /// The version of the API.
    pub version: String,
    /// Paths of the API.
    pub endpoints: AuthbackendEndpoints,
    /// Where to find the documentation.
    pub documentation: String,
}
