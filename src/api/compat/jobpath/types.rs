//! Requests and responses of the jobpath wire, in the order of its document.

use poem_openapi::Object;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::{Field, FieldError};
use crate::http::extract::body::Payload;
use crate::http::extract::fields::{EmailField, NewPasswordField, PasswordField};
use crate::http::server::policy;
use crate::model::Account;
use crate::model::account::{Status, Verification};

/// Request to create an account.
#[derive(Debug, Object)]
pub struct SignupRequest {
    /// The email address; must be unique.
    pub email: EmailField,
    /// The password.
    pub password: NewPasswordField,
}

impl Payload for SignupRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, &Field::Password, &[], config)
    }
}

/// Request to log in.
#[derive(Debug, Object)]
#[oai(rename = "LoginRequest")]
pub struct JobpathLoginRequest {
    /// The email address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

impl Payload for JobpathLoginRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "password", config)
    }
}

/// A newly created account.
#[derive(Debug, Object)]
pub struct CreatedUser {
    /// The account's ID.
    pub id: String,
    /// The email address.
    pub email: String,
    /// When the account was created.
    pub created_at: String,
}

/// The caller's account.
#[derive(Debug, Object)]
#[oai(rename = "User")]
pub struct JobpathUser {
    /// The account's ID.
    pub id: String,
    /// The email address.
    pub email: String,
    /// Whether the account can be used.
    pub is_active: bool,
}

impl JobpathUser {
    /// Converts an account.
    pub(in crate::api) fn of(account: &Account) -> Self {
        let status = account.status(Verification::Optional);
        Self {
            id: account.id.to_string(),
            email: account.promised_email(),
            is_active: status == Status::Active,
        }
    }
}

/// Response to a login.
#[derive(Debug, Object)]
#[oai(rename = "LoginAnswer")]
pub struct JobpathLoginAnswer {
    /// The access token, a JWT.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: String,
    /// The account that logged in.
    pub user: JobpathUser,
}

/// Response that only confirms success.
#[derive(Debug, Object)]
#[oai(rename = "Done")]
pub struct JobpathDone {
    /// Human-readable message.
    pub message: String,
}
