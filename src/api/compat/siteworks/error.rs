//! Maps errors to the status codes, error codes, messages and envelope of the siteworks wire.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::config::WireName;
use crate::error::{Error, FieldError, Kind};
use crate::http::server::reject::{About, Wire};

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
            Kind::Validation
            | Kind::MalformedBody
            | Kind::MissingCredentials
            | Kind::MissingRefreshToken
            | Kind::MissingLinkToken
            | Kind::WrongCurrentPassword
            | Kind::MfaCodeInvalid
            | Kind::MfaNotEnabled
            | Kind::BackupCodeUsed
            | Kind::CodeInvalid => StatusCode::BAD_REQUEST,
            Kind::InvalidCredentials
            | Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::TokenInvalid
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::RefreshInvalid
            | Kind::RefreshRevoked
            | Kind::AppInvalid => StatusCode::UNAUTHORIZED,
            Kind::EmailUnverified
            | Kind::AccountSuspended
            | Kind::AccountDeleted
            | Kind::MfaRequired
            | Kind::ReauthenticationRequired
            | Kind::Forbidden
            | Kind::ForeignOrigin => StatusCode::FORBIDDEN,
            Kind::LinkInvalid | Kind::AccountNotFound | Kind::SessionNotFound | Kind::NotFound => {
                StatusCode::NOT_FOUND
            }
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::EmailTaken
            | Kind::UsernameTaken
            | Kind::AlreadyExists
            | Kind::Conflict
            | Kind::LastAdmin => StatusCode::CONFLICT,
            Kind::LinkExpired => StatusCode::GONE,
            Kind::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::AccountLocked => StatusCode::LOCKED,
            Kind::TooMany(_) | Kind::UploadLimitReached => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Validation
            | Kind::MalformedBody
            | Kind::MissingCredentials
            | Kind::MissingRefreshToken
            | Kind::MissingLinkToken
            | Kind::MfaCodeInvalid
            | Kind::MfaNotEnabled
            | Kind::BackupCodeUsed
            | Kind::CodeInvalid => VALIDATION,
            Kind::InvalidCredentials => "INVALID_CREDENTIALS",
            Kind::WrongCurrentPassword => "INVALID_CURRENT_PASSWORD",
            Kind::TokenInvalid | Kind::SessionEnded | Kind::LinkInvalid => "INVALID_TOKEN",
            Kind::TokenExpired | Kind::LinkExpired => "TOKEN_EXPIRED",
            Kind::RefreshInvalid | Kind::RefreshRevoked => "INVALID_REFRESH_TOKEN",
            Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::AppInvalid
            | Kind::EmailUnverified
            | Kind::ReauthenticationRequired
            | Kind::Forbidden
            | Kind::ForeignOrigin
            | Kind::LastAdmin => "AUTH_ERROR",
            Kind::AccountSuspended | Kind::AccountDeleted => "ACCOUNT_DEACTIVATED",
            Kind::AccountLocked => "ACCOUNT_LOCKED",
            Kind::MfaRequired => "MFA_REQUIRED",
            Kind::EmailTaken => "USER_EXISTS",
            Kind::UsernameTaken | Kind::AlreadyExists => "DUPLICATE_ENTRY",
            Kind::Conflict => "CONFLICT",
            Kind::AccountNotFound | Kind::SessionNotFound | Kind::NotFound => "NOT_FOUND",
            Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Kind::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Kind::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Kind::TooMany(_) | Kind::UploadLimitReached => "RATE_LIMIT_EXCEEDED",
            Kind::Unavailable => "SERVICE_UNAVAILABLE",
            Kind::Internal => "INTERNAL_ERROR",
        }
    }

    fn sentence(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::InvalidCredentials => "Invalid email or password",
            Kind::AccountSuspended | Kind::AccountDeleted => "Account is deactivated",
            Kind::EmailTaken => "User with this email already exists",
            Kind::TokenMissing => "Access token is required",
            Kind::TokenInvalid | Kind::SessionEnded => "Invalid token",
            Kind::TokenExpired => "Token has expired",
            Kind::RefreshInvalid | Kind::RefreshRevoked => "Invalid or expired refresh token",
            other => other.sentence(),
        }
    }

    fn body(&self, error: &Error, _about: &About) -> Value {
        let code = self.code(error.kind());
        let mut body = json!({ "success": false, "message": self.message(error), "code": code });
        if code == VALIDATION {
            body["errors"] = error.fields().iter().map(row).collect();
        }
        body
    }

    fn schema(&self) -> Value {
        let text = || json!({ "type": "string" });
        let row = json!({
            "type": "object",
            "required": ["field", "message"],
            "properties": { "field": text(), "message": text() },
        });
        json!({
            "type": "object",
            "required": ["success", "message", "code"],
            "properties": {
                "success": { "type": "boolean", "enum": [false] },
                "message": text(),
                "code": text(),
                "errors": { "type": "array", "items": row, "description": "Only with `VALIDATION_ERROR`." },
            },
        })
    }
}

fn row(error: &FieldError) -> Value {
    json!({ "field": error.field, "message": error.sentence })
}
