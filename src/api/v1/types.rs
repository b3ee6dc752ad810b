//! v1's requests and responses, in the order of its document.

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident($data:ty) $(saying $message:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, poem_openapi::Object)]
        pub struct $name {
            /// Always `true`.
            pub success: bool,
            $(
                #[doc = concat!("Always `", $message, "`.")]
                pub message: String,
            )?
            /// The result.
            pub data: $data,
        }

        impl From<$data> for $name {
            fn from(data: $data) -> Self {
                Self { success: true, $(message: $message.to_owned(),)? data }
            }
        }
    )*};
}

mod mfa;
mod passkeys;
mod providers;
mod recovery;
mod service;

use poem_openapi::types::MaybeUndefined;
use poem_openapi::{Enum, Object};

use serde::Serialize;

use crate::http::extract::fields::{
    EmailField, LanguageField, NewPasswordField, PasswordField, TokenField, UsernameField,
};

pub use mfa::*;
pub use passkeys::*;
pub use providers::*;
pub use recovery::*;
pub use service::*;

/// Request to create an account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// The email address; must be unique.
    pub email: EmailField,
    /// The username: letters, digits, underscores, hyphens and inner dots. Must be unique.
    pub username: Option<UsernameField>,
    /// The password.
    pub password: NewPasswordField,
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// Phone number.
    #[oai(validator(max_length = 20))]
    pub phone: Option<String>,
    /// The language that the owner reads, such as `de` or `pt-BR`. Defaults to the language that
    /// `Accept-Language` prefers.
    pub locale: Option<LanguageField>,
}

/// Request to log in with a password, and an email address or a username.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoginRequest {
    /// The email address; send either this or `username`.
    #[oai(validator(max_length = 255))]
    pub email: Option<String>,
    /// The username; send either this or `email`.
    #[oai(validator(max_length = 255))]
    pub username: Option<String>,
    /// The password.
    pub password: PasswordField,
    /// If `false`, the session ends when the browser closes or after one day. Defaults to `true`.
    pub remember_me: Option<bool>,
}

/// Request for a new access token. The cookie can carry the refresh token instead.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: Option<TokenField>,
}

/// Options for a logout.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LogoutRequest {
    /// If `true`, ends all sessions of the account.
    pub logout_all_devices: Option<bool>,
    /// Refresh token of the session to end, if neither an access token nor a cookie identifies it.
    pub refresh_token: Option<TokenField>,
}

/// Request with the token from an emailed link.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LinkRequest {
    /// The token from the link.
    pub token: TokenField,
}

/// Request for a new verification email.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResendRequest {
    /// The email address.
    pub email: EmailField,
}

/// Fields to change. Absent fields keep their values; `null` clears a field.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdateProfileRequest {
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: MaybeUndefined<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: MaybeUndefined<String>,
    /// Phone number.
    #[oai(validator(max_length = 20))]
    pub phone: MaybeUndefined<String>,
    /// The language of letters and pages, such as `de` or `pt-BR`.
    pub locale: MaybeUndefined<LanguageField>,
}

/// Status of an account.
#[derive(Debug, Clone, Copy, Enum, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// The email address is not verified yet.
    Pending,
    /// The account can be used.
    Active,
    /// An administrator suspended the account.
    Suspended,
    /// The account is deleted.
    Deleted,
}

/// A newly created account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RegisteredUser {
    /// The account's ID.
    pub user_id: String,
    /// The email address, as entered.
    pub email: String,
    /// The username.
    pub username: Option<String>,
    /// The account's status.
    pub status: AccountStatus,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// When the account was created.
    pub created_at: String,
}

/// The account that logged in.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SessionUser {
    /// The account's ID.
    pub id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The account's status.
    pub status: AccountStatus,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// The account's roles.
    pub roles: Vec<String>,
    /// The permissions that the roles grant.
    pub permissions: Vec<String>,
    /// When the account last completed a login.
    pub last_login: Option<String>,
}

/// A new session.
#[derive(Debug, Object)]
#[oai(rename = "NewSession", rename_all = "camelCase")]
pub struct LoginSession {
    /// The access token, a JWT.
    pub access_token: String,
    /// The refresh token. The cookie carries the same token.
    pub refresh_token: String,
    /// Lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// Always `Bearer`.
    pub token_type: String,
    /// The account that logged in.
    pub user: SessionUser,
}

/// A new access token.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct RefreshedSession {
    /// The access token, a JWT.
    pub access_token: String,
    /// The next refresh token, if the previous one came in the body and was rotated.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// Always `Bearer`.
    pub token_type: String,
}

/// The caller's account.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The account's ID.
    pub id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// The language that the owner reads, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub locale: Option<String>,
    /// The account's status.
    pub status: AccountStatus,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// Whether the phone number is verified.
    pub phone_verified: bool,
    /// When the account last completed a login.
    pub last_login: Option<String>,
    /// When the account was created.
    pub created_at: String,
    /// When the account was last changed.
    pub updated_at: String,
    /// The account's roles.
    pub roles: Vec<String>,
    /// The permissions that the roles grant.
    pub permissions: Vec<String>,
}

/// The caller's account after a change.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdatedProfile {
    /// The account's ID.
    pub id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// The language that the owner reads, if it is known.
    #[oai(skip_serializing_if_is_none)]
    pub locale: Option<String>,
    /// When the account was last changed.
    pub updated_at: String,
}

/// Status of the server's dependencies.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Services {
    /// `healthy` or `unhealthy`.
    pub database: String,
    /// Always `not used`.
    pub redis: String,
    /// `healthy`, `unhealthy` or `not configured`.
    pub email: String,
}

/// Status of the service.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct HealthReport {
    /// `OK`, or `UNAVAILABLE` while the database cannot be read.
    pub status: String,
    /// The current time.
    pub timestamp: String,
    /// The server's version.
    pub version: String,
    /// Seconds since the server started.
    pub uptime: i64,
    /// Status of the server's dependencies.
    pub services: Services,
}

/// Response that only confirms success.
#[derive(Debug, Object)]
pub struct Done {
    /// Always `true`.
    pub success: bool,
    /// Human-readable message.
    pub message: String,
}

impl Done {
    /// Creates a success response with this message.
    #[must_use]
    pub fn saying(message: &str) -> Self {
        Self { success: true, message: message.to_owned() }
    }
}

pub(super) use answers;

answers! {
    /// Response to a sign-up.
    RegisterAnswer(RegisteredUser)
        saying "User registered successfully. Please check your email for verification.";
    /// Response to a login.
    LoginAnswer(LoginSession) saying "Login successful";
    /// Response to a token refresh.
    #[derive(serde::Serialize)]
    RefreshAnswer(RefreshedSession);
    /// The caller's account.
    #[derive(serde::Serialize)]
    ProfileAnswer(Profile);
    /// Response to a profile update.
    UpdateProfileAnswer(UpdatedProfile) saying "Profile updated successfully";
    /// A second factor that is not confirmed yet.
    MfaSetupAnswer(MfaSetup);
    /// New backup codes.
    BackupCodesAnswer(BackupCodes);
    /// The caller's second factors.
    MfaOverviewAnswer(MfaOverview);
    /// A second factor.
    MfaDeviceAnswer(MfaDevice);
    /// All data that the server stores about the caller.
    #[derive(serde::Serialize)]
    ExportAnswer(Export);
}
