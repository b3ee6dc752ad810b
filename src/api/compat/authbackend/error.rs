//! The errors of the authbackend wire: its envelope, and the statuses, codes and messages that differ from
//! the native API.

use std::borrow::Cow;

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::api::compat::envelope;
use crate::api::v1::V1;
use crate::config::WireName;
use crate::error::{Error, Field, FieldError, Kind};
use crate::http::server::error_text::{self, sentence};
use crate::http::server::reject::{About, Wire, status};

/// The authbackend wire.
#[derive(Debug, Clone, Copy)]
pub struct Authbackend;

const VALIDATION: &str = "VALIDATION_ERROR";

impl Wire for Authbackend {
    fn name(&self) -> &'static str {
        WireName::Authbackend.as_str()
    }

    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            Kind::EmailTaken
            | Kind::UsernameTaken
            | Kind::AlreadyExists
            | Kind::Conflict
            | Kind::LinkInvalid
            | Kind::LinkExpired => StatusCode::BAD_REQUEST,
            Kind::WrongCurrentPassword => StatusCode::UNAUTHORIZED,
            Kind::AccountLocked | Kind::LastAdmin => StatusCode::FORBIDDEN,
            other => status(other),
        }
    }

    fn code(&self, kind: Kind) -> Cow<'static, str> {
        let code = match kind {
            Kind::MissingCredentials
            | Kind::MissingRefreshToken
            | Kind::MissingLinkToken
            | Kind::EmailTaken
            | Kind::UsernameTaken
            | Kind::AlreadyExists
            | Kind::Conflict => VALIDATION,
            Kind::MfaCodeInvalid
            | Kind::MfaNotEnabled
            | Kind::BackupCodeUsed
            | Kind::CodeInvalid => "OTP_ERROR",
            Kind::TokenInvalid
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::RefreshInvalid
            | Kind::RefreshStale
            | Kind::RefreshRevoked
            | Kind::LinkInvalid
            | Kind::LinkExpired => "TOKEN_ERROR",
            Kind::InvalidCredentials
            | Kind::EmailUnverified
            | Kind::WrongCurrentPassword
            | Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::MfaRequired
            | Kind::AppInvalid => "AUTHENTICATION_ERROR",
            Kind::AccountLocked
            | Kind::AccountSuspended
            | Kind::AccountDeleted
            | Kind::ReauthenticationRequired
            | Kind::LastAdmin
            | Kind::Forbidden
            | Kind::ForeignOrigin => "AUTHORIZATION_ERROR",
            Kind::AccountNotFound | Kind::SessionNotFound => "NOT_FOUND",
            Kind::TooMany(_) | Kind::UploadLimitReached => "RATE_LIMIT_ERROR",
            Kind::Internal => "INTERNAL_ERROR",
            other => return V1.code(other),
        };
        code.into()
    }

    fn sentence(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::InvalidCredentials => "Invalid email or password",
            Kind::EmailTaken => "Email already exists",
            Kind::EmailUnverified => "Please verify your email before logging in",
            Kind::AccountSuspended => "Account is locked",
            Kind::AccountNotFound => "User not found",
            Kind::MfaCodeInvalid | Kind::BackupCodeUsed | Kind::CodeInvalid => {
                "Invalid or expired OTP"
            }
            Kind::TokenInvalid
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::RefreshInvalid
            | Kind::RefreshStale
            | Kind::RefreshRevoked
            | Kind::LinkInvalid
            | Kind::LinkExpired => "Invalid or expired token",
            Kind::TokenMissing => "Access token is required",
            Kind::ReauthenticationRequired => "Please log in again to confirm your identity",
            Kind::Forbidden => "Insufficient permissions",
            other => other.sentence(),
        }
    }

    fn field_name<'a>(&self, field: &'a Field) -> Cow<'a, str> {
        match field {
            // On this wire an account has one role.
            Field::Roles => "role".into(),
            other => error_text::field_name(other),
        }
    }

    fn body(&self, error: &Error, _about: &About) -> Value {
        let code = self.code(error.kind());
        let mut body = json!({ "success": false, "message": self.message(error), "code": code });
        if code == VALIDATION {
            body["errors"] = error.fields().iter().map(|broken| row(self, broken)).collect();
        }
        body
    }

    fn schema(&self) -> Value {
        envelope::flat(VALIDATION)
    }
}

fn row(wire: &impl Wire, error: &FieldError) -> Value {
    json!({ "field": wire.field_name(&error.field), "message": sentence(error) })
}
