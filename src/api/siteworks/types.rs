//! What the siteworks wire reads and writes, field by field, in the order of its document.

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;

use crate::http::fields::{EmailField, PasswordField, TokenField};

/// What a sign-up brings.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// The address, which must be unique.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
    /// The whole name.
    #[oai(validator(max_length = 100))]
    pub name: Option<String>,
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

/// A refresh token.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: TokenField,
}

/// What else a logout ends.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LogoutRequest {
    /// A refresh token of the same account, whose session ends too.
    pub refresh_token: Option<TokenField>,
}

/// What to change; what is absent stays, null empties.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdateProfileRequest {
    /// The whole name.
    #[oai(validator(max_length = 100))]
    pub name: MaybeUndefined<String>,
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

/// An account that has just been made.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RegisteredUser {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The whole name.
    pub name: Option<String>,
    /// Whether the address is proved, or need not be.
    pub is_verified: bool,
    /// Whether it can be used.
    pub is_active: bool,
    /// When it was made.
    pub created_at: String,
}

/// Who has logged in.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SessionUser {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The whole name.
    pub name: Option<String>,
    /// Whether the address is proved, or need not be.
    pub is_verified: bool,
    /// Whether it can be used.
    pub is_active: bool,
    /// The last completed login.
    pub last_login_at: Option<String>,
}

/// One's own account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Profile {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The whole name.
    pub name: Option<String>,
    /// Whether the address is proved, or need not be.
    pub is_verified: bool,
    /// Whether it can be used.
    pub is_active: bool,
    /// The last completed login.
    pub last_login_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// What a session's holder keeps.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct TokenPair {
    /// The access token, a JWT.
    pub access_token: String,
    /// The refresh token; it turns at every use.
    pub refresh_token: String,
    /// When the refresh token dies.
    pub expires_at: String,
}

/// Done, with nothing to show but a sentence.
#[derive(Debug, Object)]
pub struct Done {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
}

/// The answer to a sign-up.
#[derive(Debug, Object)]
pub struct RegisterAnswer {
    /// Always true.
    pub success: bool,
    /// `User registered successfully`
    pub message: String,
    /// The account.
    pub user: RegisteredUser,
    /// Its first session.
    pub tokens: TokenPair,
}

/// The answer to a login.
#[derive(Debug, Object)]
pub struct LoginAnswer {
    /// Always true.
    pub success: bool,
    /// `Login successful`
    pub message: String,
    /// Who has logged in.
    pub user: SessionUser,
    /// The new session.
    pub tokens: TokenPair,
}

/// The answer to a refresh.
#[derive(Debug, Object)]
pub struct RefreshAnswer {
    /// Always true.
    pub success: bool,
    /// `Token refreshed successfully`
    pub message: String,
    /// The new pair.
    pub tokens: TokenPair,
}

/// One's own account.
#[derive(Debug, Object)]
pub struct ProfileAnswer {
    /// Always true.
    pub success: bool,
    /// The account.
    pub user: Profile,
}

/// The answer to a change of one's own account.
#[derive(Debug, Object)]
pub struct UpdateProfileAnswer {
    /// Always true.
    pub success: bool,
    /// `Profile updated successfully`
    pub message: String,
    /// The account as it is now.
    pub user: Profile,
}
