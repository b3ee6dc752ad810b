//! What the jobpath wire reads and writes, field by field, in the order of its document.

use poem_openapi::Object;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::FieldError;
use crate::http::body::Payload;
use crate::http::fields::{EmailField, PasswordField};
use crate::http::policy;
use crate::model::Account;
use crate::model::account::{Status, Verification};

/// What a sign-up brings.
#[derive(Debug, Object)]
pub struct SignupRequest {
    /// The address, which must be unique.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

impl Payload for SignupRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::new_password(fields, "password", &[], config)
    }
}

/// What a login brings.
#[derive(Debug, Object)]
pub struct LoginRequest {
    /// The address.
    pub email: EmailField,
    /// The password.
    pub password: PasswordField,
}

impl Payload for LoginRequest {
    fn rules(fields: &Map<String, Value>, config: &Config) -> Vec<FieldError> {
        policy::tried_password(fields, "password", config)
    }
}

/// An account that has just been made.
#[derive(Debug, Object)]
pub struct CreatedUser {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// When it was made.
    pub created_at: String,
}

/// Who calls.
#[derive(Debug, Object)]
pub struct User {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// Whether the account can be used.
    pub is_active: bool,
}

impl User {
    /// The account as this wire shows it.
    pub(super) fn of(account: &Account) -> Self {
        let status = account.status(Verification::Optional);
        Self { id: account.id.to_string(), email: account.email.to_string(), is_active: status == Status::Active }
    }
}

/// The answer to a login.
#[derive(Debug, Object)]
pub struct LoginAnswer {
    /// The access token, a JWT.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: String,
    /// Who has logged in.
    pub user: User,
}

/// Done, with nothing to show but a sentence.
#[derive(Debug, Object)]
pub struct Done {
    /// What was done.
    pub message: String,
}
