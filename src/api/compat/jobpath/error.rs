//! Maps errors to the status codes, error codes, messages and envelope of the jobpath wire.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::config::WireName;
use crate::error::{Error, FieldError, Kind};
use crate::http::server::reject::{About, Wire};

/// The jobpath wire.
#[derive(Debug, Clone, Copy)]
pub struct Jobpath;

const VALIDATION: &str = "validation_error";

impl Wire for Jobpath {
    fn name(&self) -> &'static str {
        WireName::Jobpath.as_str()
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
            | Kind::MissingLinkToken => VALIDATION,
            Kind::InvalidCredentials => "invalid_credentials",
            Kind::WrongCurrentPassword => "invalid_current_password",
            Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::TokenInvalid
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::LinkInvalid
            | Kind::LinkExpired
            | Kind::RefreshInvalid
            | Kind::RefreshRevoked => "invalid_token",
            Kind::EmailUnverified => "email_not_verified",
            Kind::AccountSuspended | Kind::AccountDeleted => "inactive_user",
            Kind::AccountLocked => "account_locked",
            Kind::MfaRequired => "mfa_required",
            Kind::MfaCodeInvalid | Kind::BackupCodeUsed | Kind::CodeInvalid => "invalid_code",
            Kind::MfaNotEnabled => "mfa_not_enabled",
            Kind::ReauthenticationRequired => "reauthentication_required",
            Kind::AppInvalid => "invalid_app_credentials",
            Kind::Forbidden | Kind::ForeignOrigin => "forbidden",
            Kind::EmailTaken => "email_already_exists",
            Kind::UsernameTaken => "username_already_exists",
            Kind::AlreadyExists => "already_exists",
            Kind::Conflict => "conflict",
            Kind::LastAdmin => "last_admin",
            Kind::AccountNotFound => "user_not_found",
            Kind::SessionNotFound => "session_not_found",
            Kind::NotFound => "not_found",
            Kind::MethodNotAllowed => "method_not_allowed",
            Kind::UnsupportedMediaType => "unsupported_media_type",
            Kind::PayloadTooLarge => "payload_too_large",
            Kind::TooMany(_) => "rate_limit_exceeded",
            Kind::UploadLimitReached => "upload_limit_reached",
            Kind::Unavailable => "service_unavailable",
            Kind::Internal => "internal_server_error",
        }
    }

    fn sentence(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::InvalidCredentials => "Invalid email or password",
            Kind::AccountSuspended | Kind::AccountDeleted => "User account is inactive",
            Kind::EmailTaken => "Email already exists",
            Kind::TokenMissing | Kind::TokenFormat => "Not authenticated",
            Kind::TokenInvalid | Kind::TokenExpired | Kind::SessionEnded => {
                "Invalid or expired token"
            }
            other => other.sentence(),
        }
    }

    fn body(&self, error: &Error, _about: &About) -> Value {
        let (kind, code) = (error.kind(), self.code(error.kind()));
        let mut detail = json!({ "message": self.message(error) });
        if code == VALIDATION {
            detail["errors"] = error.fields().iter().map(row).collect();
        }
        json!({ "error": code, "detail": detail, "status_code": self.status(kind).as_u16() })
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
            "required": ["error", "detail", "status_code"],
            "properties": {
                "error": text(),
                "detail": {
                    "type": "object",
                    "required": ["message"],
                    "properties": {
                        "message": text(),
                        "errors": { "type": "array", "items": row, "description": "Only with `validation_error`." },
                    },
                },
                "status_code": { "type": "integer" },
            },
        })
    }
}

fn row(error: &FieldError) -> Value {
    json!({ "field": error.field, "message": error.sentence })
}
