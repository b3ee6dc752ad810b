//! The errors of the siteworks wire: its envelope, and the statuses, codes and messages that differ from
//! the native API.

use std::borrow::Cow;

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::api::compat::envelope;
use crate::api::v1::V1;
use crate::config::WireName;
use crate::error::{Error, FieldError, Kind};
use crate::http::server::error_text::sentence;
use crate::http::server::reject::{About, Wire, status};

/// The siteworks wire.
#[derive(Debug, Clone, Copy)]
pub struct Siteworks;

const VALIDATION: &str = "VALIDATION_ERROR";

impl Wire for Siteworks {
    fn name(&self) -> &'static str {
        WireName::Siteworks.as_str()
    }

    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            Kind::EmailUnverified | Kind::MfaRequired => StatusCode::FORBIDDEN,
            other => status(other),
        }
    }

    fn code(&self, kind: Kind) -> Cow<'static, str> {
        let code = match kind {
            Kind::MissingCredentials
            | Kind::MissingRefreshToken
            | Kind::MissingLinkToken
            | Kind::MfaCodeInvalid
            | Kind::MfaNotEnabled
            | Kind::BackupCodeUsed
            | Kind::CodeInvalid => VALIDATION,
            Kind::WrongCurrentPassword => "INVALID_CURRENT_PASSWORD",
            Kind::SessionEnded => "INVALID_TOKEN",
            Kind::RefreshRevoked => "INVALID_REFRESH_TOKEN",
            Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::AppInvalid
            | Kind::EmailUnverified
            | Kind::ReauthenticationRequired
            | Kind::Forbidden
            | Kind::ForeignOrigin
            | Kind::LastAdmin => "AUTH_ERROR",
            Kind::AccountSuspended | Kind::AccountDeleted => "ACCOUNT_DEACTIVATED",
            Kind::EmailTaken => "USER_EXISTS",
            Kind::UsernameTaken | Kind::AlreadyExists => "DUPLICATE_ENTRY",
            Kind::AccountNotFound | Kind::SessionNotFound => "NOT_FOUND",
            Kind::TooMany(_) | Kind::UploadLimitReached => "RATE_LIMIT_EXCEEDED",
            Kind::Internal => "INTERNAL_ERROR",
            other => return V1.code(other),
        };
        code.into()
    }

    fn sentence(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::InvalidCredentials => "Invalid email or password",
            Kind::AccountSuspended | Kind::AccountDeleted => "Account is deactivated",
            Kind::EmailTaken => "User with this email already exists",
            Kind::TokenMissing => "Access token is required",
            Kind::TokenInvalid | Kind::SessionEnded => "Invalid token",
            Kind::TokenExpired => "Token has expired",
            Kind::RefreshInvalid | Kind::RefreshStale | Kind::RefreshRevoked => {
                "Invalid or expired refresh token"
            }
            other => other.sentence(),
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
