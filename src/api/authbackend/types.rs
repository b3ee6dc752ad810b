//! What the authbackend wire reads and writes, field by field, in the order of its document.

use poem_openapi::Object;

use crate::http::fields::{AccessTokenField, EmailField, PasswordField, TokenField};

/// What a sign-up brings.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SignUpRequest {
    /// The address, which must be unique.
    pub email: EmailField,
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// The password.
    pub password: PasswordField,
    /// The role: `user`, for that is the one that everybody gets.
    pub role: Option<String>,
}

/// The token of a mailed link.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LinkRequest {
    /// The token.
    pub token: TokenField,
}

/// What a login brings.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoginRequest {
    /// The address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

/// A code that was mailed to an address.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CodeRequest {
    /// The address.
    pub email: EmailField,
    /// The code; to complete a login also one of an authenticator app, or a backup code.
    pub otp_code: TokenField,
}

/// Whose password is forgotten.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ForgotRequest {
    /// The address.
    pub email: EmailField,
}

/// A mailed code and the password that it sets.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetRequest {
    /// The address.
    pub email: EmailField,
    /// The code.
    pub otp_code: TokenField,
    /// What the password shall be.
    pub new_password: PasswordField,
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

/// An access token that somebody else was shown.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AccessTokenRequest {
    /// The access token.
    pub token: AccessTokenField,
}

/// A refresh token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: TokenField,
}

/// The role that an account shall have, no other.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RoleRequest {
    /// Its name.
    pub role: String,
}

/// That it is done.
#[derive(Debug, Object)]
pub struct Done {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
}

/// An account that has just been made.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SignedUp {
    /// The id.
    pub user_id: i64,
    /// The address.
    pub email: String,
    /// Whether the address must be proved before the first login.
    pub email_verification_required: bool,
}

/// The answer to a sign-up.
#[derive(Debug, Object)]
pub struct SignUpAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// The account.
    pub data: SignedUp,
}

/// A login that waits for its code.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Waiting {
    /// The address as it was given.
    pub email: String,
    /// Always true.
    pub otp_required: bool,
}

/// The answer to a right password.
#[derive(Debug, Object)]
pub struct LoginAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// What is waited for.
    pub data: Waiting,
}

/// Who has logged in.
#[derive(Debug, Object)]
pub struct SessionUser {
    /// The id.
    pub id: i64,
    /// The address.
    pub email: String,
    /// The highest role.
    pub role: String,
}

/// A new session.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoggedIn {
    /// The access token.
    pub token: String,
    /// The token that gets the next access token; it stays the same.
    pub refresh_token: String,
    /// Who.
    pub user: SessionUser,
    /// The session's id.
    pub session_id: String,
}

/// The answer to the code of a login.
#[derive(Debug, Object)]
pub struct SessionAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// The session.
    pub data: LoggedIn,
}

/// Whose a token is.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Holder {
    /// The id.
    pub user_id: i64,
    /// The address.
    pub email: String,
    /// The highest role.
    pub role: String,
}

/// The answer about a token that is good.
#[derive(Debug, Object)]
pub struct TokenAnswer {
    /// Always true.
    pub success: bool,
    /// That it is good.
    pub message: String,
    /// Whose it is.
    pub data: Holder,
}

/// A new access token.
#[derive(Debug, Object)]
pub struct NewToken {
    /// The access token.
    pub token: String,
}

/// The answer to a refresh.
#[derive(Debug, Object)]
pub struct RefreshAnswer {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
    /// The token.
    pub data: NewToken,
}

/// A session as its owner sees it.
#[derive(Debug, Object)]
#[allow(clippy::struct_field_names, reason = "the document's names")]
#[oai(rename_all = "camelCase")]
pub struct Session {
    /// The id.
    pub session_id: String,
    /// Browser and system, like `Chrome on Windows`.
    pub device: String,
    /// When it was last used, to within a few minutes.
    pub last_active: String,
    /// Whether this call was made in it.
    pub is_current: bool,
}

/// One's own sessions.
#[derive(Debug, Object)]
pub struct Sessions {
    /// Those that live, the last used first.
    pub sessions: Vec<Session>,
}

/// The answer with one's own sessions.
#[derive(Debug, Object)]
pub struct SessionsAnswer {
    /// Always true.
    pub success: bool,
    /// The sessions.
    pub data: Sessions,
}

/// An account as administrators see it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct User {
    /// The id.
    pub id: i64,
    /// The address.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The highest role.
    pub role: String,
    /// Whether the address is proved.
    pub is_email_verified: bool,
    /// When the account was made.
    pub created_at: String,
}

/// Accounts.
#[derive(Debug, Object)]
pub struct Users {
    /// In the order of their ids.
    pub users: Vec<User>,
}

/// The answer with accounts.
#[derive(Debug, Object)]
pub struct UsersAnswer {
    /// Always true.
    pub success: bool,
    /// The accounts.
    pub data: Users,
}

/// One account.
#[derive(Debug, Object)]
pub struct OneUser {
    /// The account.
    pub user: User,
}

/// The answer with one account.
#[derive(Debug, Object)]
pub struct UserAnswer {
    /// Always true.
    pub success: bool,
    /// The account.
    pub data: OneUser,
}

/// Figures.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Statistics {
    /// Accounts that are not deleted.
    pub total_users: i64,
    /// Those with a proved address.
    pub verified_users: i64,
    /// Completed logins since the beginning.
    pub total_logins: i64,
    /// Sessions that live.
    pub active_sessions: i64,
}

/// The answer with figures.
#[derive(Debug, Object)]
pub struct StatisticsAnswer {
    /// Always true.
    pub success: bool,
    /// The figures.
    pub data: Statistics,
}

/// The logins of a day.
#[derive(Debug, Object)]
pub struct Daily {
    /// The UTC day.
    pub date: String,
    /// How many were completed.
    pub count: i64,
}

/// The logins of a month.
#[derive(Debug, Object)]
pub struct Monthly {
    /// The month.
    pub month: String,
    /// How many were completed.
    pub count: i64,
}

/// Completed logins.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Logins {
    /// The last 30 days, the oldest first.
    pub daily_logins: Vec<Daily>,
    /// The last 12 months, the oldest first.
    pub monthly_logins: Vec<Monthly>,
}

/// The answer with completed logins.
#[derive(Debug, Object)]
pub struct LoginsAnswer {
    /// Always true.
    pub success: bool,
    /// The logins.
    pub data: Logins,
}

/// How the service is.
#[derive(Debug, Object)]
pub struct Health {
    /// Always true.
    pub success: bool,
    /// That it runs.
    pub message: String,
    /// Now.
    pub timestamp: String,
    /// `development` or `production`.
    pub environment: String,
}

/// Where what is.
#[derive(Debug, Object)]
pub struct Endpoints {
    /// Signing up and logging in.
    pub auth: String,
    /// What administrators do.
    pub admin: String,
    /// Health.
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
    /// Where what is.
    pub endpoints: Endpoints,
    /// Where to read on.
    pub documentation: String,
}
