//! Requests and responses of the jobpath wire, in the order of its document.

use poem_openapi::Object;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::FieldError;
use crate::http::body::Payload;
use crate::http::fields::{EmailField, PasswordField};
use crate::http::policy;
use crate::model::Account;
use crate::model::account::{Status, Verification};

/// Request to create an account.
#[derive(Debug, Object)]
pub struct SignupRequest {
    /// The email address; must be unique.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

impl Payload for SignupRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, "password", &[], config)
    }
}

/// Request to log in.
#[derive(Debug, Object)]
pub struct LoginRequest {
    /// The email address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

impl Payload for LoginRequest {
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
pub struct User {
    /// The account's ID.
    pub id: String,
    /// The email address.
    pub email: String,
    /// Whether the account can be used.
    pub is_active: bool,
}

impl User {
    /// Converts an account.
    pub(super) fn of(account: &Account) -> Self {
        let status = account.status(Verification::Optional);
        Self { id: account.id.to_string(), email: account.email.to_string(), is_active: status == Status::Active }
    }
}

/// Response to a login.
#[derive(Debug, Object)]
pub struct LoginAnswer {
    /// The access token, a JWT.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: String,
    /// The account that logged in.
    pub user: User,
}

/// Response that only confirms success.
#[derive(Debug, Object)]
pub struct Done {
    /// Human-readable message.
    pub message: String,
}
