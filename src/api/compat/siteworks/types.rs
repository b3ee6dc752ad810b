//! Requests and responses of the siteworks wire, in the order of its document.

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;

use crate::http::extract::fields::{EmailField, NewPasswordField, PasswordField, TokenField};

/// Request to create an account.
#[derive(Debug, Object)]
#[oai(rename = "RegisterRequest", rename_all = "camelCase")]
pub struct SiteworksRegisterRequest {
    /// The email address; must be unique.
    pub email: EmailField,
    /// The password.
    pub password: NewPasswordField,
    /// The full name.
    #[oai(validator(max_length = 255))]
    pub name: Option<String>,
}

/// Request to log in.
#[derive(Debug, Object)]
#[oai(rename = "LoginRequest", rename_all = "camelCase")]
pub struct SiteworksLoginRequest {
    /// The email address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

/// Request for a new access token.
#[derive(Debug, Object)]
#[oai(rename = "RefreshRequest", rename_all = "camelCase")]
pub struct SiteworksRefreshRequest {
    /// The refresh token.
    pub refresh_token: TokenField,
}

/// Options for a logout.
#[derive(Debug, Object)]
#[oai(rename = "LogoutRequest", rename_all = "camelCase")]
pub struct SiteworksLogoutRequest {
    /// A refresh token of the same account. Its session ends too.
    pub refresh_token: Option<TokenField>,
}

/// Fields to change. Absent fields keep their values; `null` clears a field.
#[derive(Debug, Object)]
#[oai(rename = "UpdateProfileRequest", rename_all = "camelCase")]
pub struct SiteworksUpdateProfileRequest {
    /// The full name.
    #[oai(validator(max_length = 255))]
    pub name: MaybeUndefined<String>,
}

/// Request to change the password.
#[derive(Debug, Object)]
#[oai(rename = "ChangePasswordRequest", rename_all = "camelCase")]
pub struct SiteworksChangePasswordRequest {
    /// The current password.
    pub current_password: PasswordField,
    /// The new password.
    pub new_password: NewPasswordField,
}

/// A newly created account.
#[derive(Debug, Object)]
#[oai(rename = "RegisteredUser", rename_all = "camelCase")]
pub struct SiteworksRegisteredUser {
    /// The account's ID.
    pub id: String,
    /// The email address.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// Whether the email address is verified, or does not have to be.
    pub is_verified: bool,
    /// Whether the account can be used.
    pub is_active: bool,
    /// When the account was created.
    pub created_at: String,
}

/// The account that logged in.
#[derive(Debug, Object)]
#[oai(rename = "SessionUser", rename_all = "camelCase")]
pub struct SiteworksSessionUser {
    /// The account's ID.
    pub id: String,
    /// The email address.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// Whether the email address is verified, or does not have to be.
    pub is_verified: bool,
    /// Whether the account can be used.
    pub is_active: bool,
    /// When the account last completed a login.
    pub last_login_at: Option<String>,
}

/// The caller's account.
#[derive(Debug, Object)]
#[oai(rename = "Profile", rename_all = "camelCase")]
pub struct SiteworksProfile {
    /// The account's ID.
    pub id: String,
    /// The email address.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// Whether the email address is verified, or does not have to be.
    pub is_verified: bool,
    /// Whether the account can be used.
    pub is_active: bool,
    /// When the account last completed a login.
    pub last_login_at: Option<String>,
    /// When the account was created.
    pub created_at: String,
    /// When the account was last changed.
    pub updated_at: String,
}

/// The tokens of a session.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct TokenPair {
    /// The access token, a JWT.
    pub access_token: String,
    /// The refresh token. It is rotated at every use.
    pub refresh_token: String,
    /// When the refresh token expires.
    pub expires_at: String,
}

/// Response that only confirms success.
#[derive(Debug, Object)]
#[oai(rename = "Done")]
pub struct SiteworksDone {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
}

/// Response to a sign-up.
#[derive(Debug, Object)]
pub struct RegisterAnswer {
    /// Always `true`.
    pub success: bool,
    /// Always `User registered successfully`.
    pub message: String,
    /// The account.
    pub user: SiteworksRegisteredUser,
    /// Tokens of the account's first session.
    pub tokens: TokenPair,
}

/// Response to a login.
#[derive(Debug, Object)]
#[oai(rename = "LoginAnswer")]
pub struct SiteworksLoginAnswer {
    /// Always `true`.
    pub success: bool,
    /// Always `Login successful`.
    pub message: String,
    /// The account that logged in.
    pub user: SiteworksSessionUser,
    /// Tokens of the new session.
    pub tokens: TokenPair,
}

/// Response to a token refresh.
#[derive(Debug, Object)]
#[oai(rename = "RefreshAnswer")]
pub struct SiteworksRefreshAnswer {
    /// Always `true`.
    pub success: bool,
    /// Always `Token refreshed successfully`.
    pub message: String,
    /// The new tokens.
    pub tokens: TokenPair,
}

/// The caller's account.
#[derive(Debug, Object)]
#[oai(rename = "ProfileAnswer")]
pub struct SiteworksProfileAnswer {
    /// Always `true`.
    pub success: bool,
    /// The account.
    pub user: SiteworksProfile,
}

/// Response to a profile update.
#[derive(Debug, Object)]
pub struct UpdateProfileAnswer {
    /// Always `true`.
    pub success: bool,
    /// Always `Profile updated successfully`.
    pub message: String,
    /// The account after the change.
    pub user: SiteworksProfile,
}
