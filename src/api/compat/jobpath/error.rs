//! The errors of the jobpath wire: its envelope, and the statuses, codes and messages that differ from
//! the native API.

use std::borrow::Cow;

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::api::compat::envelope::field_rows;
use crate::api::v1::V1;
use crate::config::WireName;
use crate::error::{Error, FieldError, Kind};
use crate::http::server::error_text::sentence;
use crate::http::server::reject::{About, Wire, status};

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
            Kind::EmailUnverified | Kind::MfaRequired => StatusCode::FORBIDDEN,
            other => status(other),
        }
    }

    fn code(&self, kind: Kind) -> Cow<'static, str> {
        let code = match kind {
            Kind::MissingCredentials | Kind::MissingRefreshToken | Kind::MissingLinkToken => {
                VALIDATION
            }
            Kind::WrongCurrentPassword => "invalid_current_password",
            Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::LinkExpired
            | Kind::RefreshInvalid
            | Kind::RefreshStale
            | Kind::RefreshRevoked => "invalid_token",
            Kind::AccountSuspended | Kind::AccountDeleted => "inactive_user",
            Kind::MfaCodeInvalid | Kind::BackupCodeUsed => "invalid_code",
            Kind::Forbidden | Kind::ForeignOrigin => "forbidden",
            Kind::EmailTaken => "email_already_exists",
            Kind::UsernameTaken => "username_already_exists",
            Kind::TooMany(_) => "rate_limit_exceeded",
            other => return V1.code(other).to_ascii_lowercase().into(),
        };
        code.into()
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
            detail["errors"] = error.fields().iter().map(|broken| row(self, broken)).collect();
        }
        json!({ "error": code, "detail": detail, "status_code": self.status(kind).as_u16() })
    }

    fn schema(&self) -> Value {
        let text = || json!({ "type": "string" });
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
                        "errors": field_rows(VALIDATION),
                    },
                },
                "status_code": { "type": "integer" },
            },
        })
    }
}

fn row(wire: &impl Wire, error: &FieldError) -> Value {
    json!({ "field": wire.field_name(&error.field), "message": sentence(error) })
}
