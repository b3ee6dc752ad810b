//! Maps errors to the status codes, error codes, messages and envelope of the authbackend wire.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::config::WireName;
use crate::error::{Error, FieldError, Kind};
use crate::http::server::reject::{About, Wire};

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
            Kind::Validation
            | Kind::MalformedBody
            | Kind::MissingCredentials
            | Kind::MissingRefreshToken
            | Kind::MissingLinkToken
            | Kind::EmailTaken
            | Kind::UsernameTaken
            | Kind::AlreadyExists
            | Kind::Conflict
            | Kind::LinkInvalid
            | Kind::LinkExpired
            | Kind::MfaCodeInvalid
            | Kind::MfaNotEnabled
            | Kind::BackupCodeUsed
            | Kind::CodeInvalid => StatusCode::BAD_REQUEST,
            Kind::InvalidCredentials
            | Kind::EmailUnverified
            | Kind::WrongCurrentPassword
            | Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::TokenInvalid
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::RefreshInvalid
            | Kind::RefreshRevoked
            | Kind::MfaRequired
            | Kind::AppInvalid => StatusCode::UNAUTHORIZED,
            Kind::AccountLocked
            | Kind::AccountSuspended
            | Kind::AccountDeleted
            | Kind::ReauthenticationRequired
            | Kind::LastAdmin
            | Kind::Forbidden
            | Kind::ForeignOrigin => StatusCode::FORBIDDEN,
            Kind::AccountNotFound | Kind::SessionNotFound | Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
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
            Kind::AccountNotFound | Kind::SessionNotFound | Kind::NotFound => "NOT_FOUND",
            Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Kind::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Kind::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Kind::TooMany(_) | Kind::UploadLimitReached => "RATE_LIMIT_ERROR",
            Kind::Unavailable => "SERVICE_UNAVAILABLE",
            Kind::Internal => "INTERNAL_ERROR",
        }
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
            | Kind::RefreshRevoked
            | Kind::LinkInvalid
            | Kind::LinkExpired => "Invalid or expired token",
            Kind::TokenMissing => "Access token is required",
            Kind::Forbidden => "Insufficient permissions",
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
    // On this wire an account has one role.
    let field = if error.field == "roles" { "role" } else { &error.field };
    json!({ "field": field, "message": error.sentence })
}
