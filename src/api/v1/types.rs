//! What v1 reads and writes, field by field, in the order of its document.

mod mfa;
mod recovery;

use poem_openapi::types::MaybeUndefined;
use poem_openapi::{Enum, Object};

use serde::Serialize;

use crate::http::fields::{EmailField, PasswordField, TokenField, UsernameField};

pub use mfa::*;
pub use recovery::*;

/// What a sign-up brings.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// The address, which must be unique.
    pub email: EmailField,
    /// Letters, numbers, underscores, hyphens and inner dots; must be unique.
    pub username: Option<UsernameField>,
    /// The password.
    pub password: PasswordField,
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// Telephone number.
    #[oai(validator(max_length = 20))]
    pub phone: Option<String>,
}

/// What a login brings: a password, and an address or a user name.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoginRequest {
    /// The address; either this or `username`.
    #[oai(validator(max_length = 255))]
    pub email: Option<String>,
    /// The user name; either this or `email`.
    #[oai(validator(max_length = 255))]
    pub username: Option<String>,
    /// The password.
    pub password: PasswordField,
    /// False ends the session with the browser, or after a day; absent is true.
    pub remember_me: Option<bool>,
}

/// A refresh token, where no cookie brings it.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: Option<TokenField>,
}

/// How to log out.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LogoutRequest {
    /// True ends every session of the account.
    pub logout_all_devices: Option<bool>,
    /// The refresh token of the session to end, where neither an access token nor a cookie names it.
    pub refresh_token: Option<TokenField>,
}

/// The token of a mailed link.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LinkRequest {
    /// The token.
    pub token: TokenField,
}

/// An address that waits for its verification mail.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResendRequest {
    /// The address.
    pub email: EmailField,
}

/// What to change; what is absent stays, null empties.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdateProfileRequest {
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: MaybeUndefined<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: MaybeUndefined<String>,
    /// Telephone number.
    #[oai(validator(max_length = 20))]
    pub phone: MaybeUndefined<String>,
}

/// The state of an account.
#[derive(Debug, Clone, Copy, Enum, Serialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// The address is not proved yet.
    Pending,
    /// All is well.
    Active,
    /// Suspended by an administrator.
    Suspended,
    /// Deleted.
    Deleted,
}

/// An account that has just been made.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RegisteredUser {
    /// The id.
    pub user_id: String,
    /// The address as typed.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// The state.
    pub status: AccountStatus,
    /// Whether the address is proved.
    pub email_verified: bool,
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
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The state.
    pub status: AccountStatus,
    /// Whether the address is proved.
    pub email_verified: bool,
    /// The roles.
    pub roles: Vec<String>,
    /// What the roles may do.
    pub permissions: Vec<String>,
    /// The last completed login.
    pub last_login: Option<String>,
}

/// A new session.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct NewSession {
    /// The access token, a JWT.
    pub access_token: String,
    /// The refresh token; the cookie carries the same.
    pub refresh_token: String,
    /// For how many seconds the access token lives.
    pub expires_in: i64,
    /// Always `Bearer`.
    pub token_type: String,
    /// Who has logged in.
    pub user: SessionUser,
}

/// A new access token.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct RefreshedSession {
    /// The access token, a JWT.
    pub access_token: String,
    /// The successor of the refresh token that came in the body, if it has turned.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// For how many seconds the access token lives.
    pub expires_in: i64,
    /// Always `Bearer`.
    pub token_type: String,
}

/// One's own account.
#[derive(Debug, Object, Serialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The state.
    pub status: AccountStatus,
    /// Whether the address is proved.
    pub email_verified: bool,
    /// Whether the telephone number is proved.
    pub phone_verified: bool,
    /// The last completed login.
    pub last_login: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// The roles.
    pub roles: Vec<String>,
    /// What the roles may do.
    pub permissions: Vec<String>,
}

/// One's own account after a change.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdatedProfile {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// When it last changed.
    pub updated_at: String,
}

/// What the service needs, and how it is.
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

/// How the service is.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct HealthReport {
    /// `OK`, or `UNAVAILABLE` while the database cannot be read.
    pub status: String,
    /// Now.
    pub timestamp: String,
    /// The server's version.
    pub version: String,
    /// For how many seconds it has been running.
    pub uptime: i64,
    /// What it needs.
    pub services: Services,
}

/// Done, with nothing to show but a sentence.
#[derive(Debug, Object)]
pub struct Done {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: String,
}

impl Done {
    /// Success, in these words.
    #[must_use]
    pub fn saying(message: &str) -> Self {
        Self { success: true, message: message.to_owned() }
    }
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident($data:ty) $(saying $message:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, poem_openapi::Object)]
        pub struct $name {
            /// Always true.
            pub success: bool,
            $(
                #[doc = concat!("`", $message, "`")]
                pub message: String,
            )?
            /// What was asked for.
            pub data: $data,
        }

        impl From<$data> for $name {
            fn from(data: $data) -> Self {
                Self { success: true, $(message: $message.to_owned(),)? data }
            }
        }
    )*};
}

pub(super) use answers;

answers! {
    /// The answer to a sign-up.
    RegisterAnswer(RegisteredUser)
        saying "User registered successfully. Please check your email for verification.";
    /// The answer to a login.
    LoginAnswer(NewSession) saying "Login successful";
    /// The answer to a refresh.
    #[derive(serde::Serialize)]
    RefreshAnswer(RefreshedSession);
    /// One's own account.
    #[derive(serde::Serialize)]
    ProfileAnswer(Profile);
    /// The answer to a change of one's own account.
    UpdateProfileAnswer(UpdatedProfile) saying "Profile updated successfully";
    /// A factor that waits for its confirmation.
    MfaSetupAnswer(MfaSetup);
    /// New backup codes.
    BackupCodesAnswer(BackupCodes);
    /// One's own factors.
    MfaOverviewAnswer(MfaOverview);
    /// One factor.
    MfaDeviceAnswer(MfaDevice);
    /// Everything that is kept about the caller.
    ExportAnswer(Export);
}
