//! The errors of the jobpsych wire: its envelope, and the statuses, codes and messages that differ from
//! the native API.

use std::borrow::Cow;

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::api::v1::V1;
use crate::config::{Config, Environment};
use crate::error::{Error, Kind, Rule};
use crate::http::server::error_text::sentence;
use crate::http::server::reject::{About, Wire, status};

/// The jobpsych wire.
#[derive(Debug, Clone, Copy)]
pub struct Jobpsych {
    environment: Environment,
}

impl Jobpsych {
    /// The wire for this configuration. It shows error details only outside production.
    #[must_use]
    pub fn under(config: &Config) -> Self {
        Self { environment: config.server.environment }
    }

    fn details(self, error: &Error) -> Option<String> {
        let rows = error.fields();
        let shown = self.environment != Environment::Production && !rows.is_empty();
        shown.then(|| {
            rows.iter()
                .map(|row| format!("{}: {}", self.field_name(&row.field), sentence(row)))
                .collect::<Vec<_>>()
                .join("; ")
        })
    }
}

impl Wire for Jobpsych {
    fn name(&self) -> &'static str {
        "jobpsych"
    }

    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            Kind::LinkInvalid | Kind::LinkExpired => StatusCode::BAD_REQUEST,
            Kind::MissingRefreshToken => StatusCode::UNAUTHORIZED,
            Kind::EmailUnverified | Kind::MfaRequired => StatusCode::FORBIDDEN,
            other => status(other),
        }
    }

    /// Missing or wrongly typed fields are a 400; well-formed values that break a rule are a 422.
    fn status_of(&self, error: &Error) -> StatusCode {
        let is_form = |rule: &Rule| {
            matches!(
                rule,
                Rule::Required
                    | Rule::WrongType { .. }
                    | Rule::EmptyFile
                    | Rule::EmailInPath
                    | Rule::Parameter
            )
        };
        let rows = error.fields();
        if error.kind() == Kind::Validation
            && !rows.is_empty()
            && !rows.iter().any(|row| is_form(&row.rule))
        {
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
        self.status(error.kind())
    }

    fn code(&self, kind: Kind) -> Cow<'static, str> {
        let code = match kind {
            Kind::MissingCredentials
            | Kind::MissingLinkToken
            | Kind::LinkInvalid
            | Kind::LinkExpired
            | Kind::MfaCodeInvalid
            | Kind::MfaNotEnabled
            | Kind::BackupCodeUsed
            | Kind::CodeInvalid => "VALIDATION_ERROR",
            Kind::MissingRefreshToken
            | Kind::TokenMissing
            | Kind::TokenFormat
            | Kind::TokenInvalid
            | Kind::TokenExpired
            | Kind::SessionEnded
            | Kind::RefreshInvalid
            | Kind::RefreshStale
            | Kind::RefreshRevoked
            | Kind::AppInvalid => "TOKEN_VERIFICATION_FAILED",
            Kind::EmailUnverified
            | Kind::AccountSuspended
            | Kind::AccountDeleted
            | Kind::ReauthenticationRequired
            | Kind::Forbidden
            | Kind::ForeignOrigin => "FORBIDDEN",
            Kind::SessionNotFound => "NOT_FOUND",
            Kind::UsernameTaken | Kind::AlreadyExists | Kind::LastAdmin => "CONFLICT",
            Kind::TooMany(_) => "RATE_LIMIT_EXCEEDED",
            Kind::Internal => "SERVER_ERROR",
            other => return V1.code(other),
        };
        code.into()
    }

    fn sentence(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::InvalidCredentials => "Invalid email or password",
            Kind::EmailTaken => "User with this email already exists",
            Kind::AccountNotFound => "User not found",
            Kind::TokenMissing | Kind::TokenFormat => "Access token is required",
            Kind::TokenInvalid | Kind::TokenExpired | Kind::SessionEnded => {
                "Invalid or expired token"
            }
            Kind::MissingRefreshToken => "Refresh token is required",
            Kind::RefreshInvalid | Kind::RefreshStale | Kind::RefreshRevoked => {
                "Invalid or expired refresh token"
            }
            other => other.sentence(),
        }
    }

    fn body(&self, error: &Error, _about: &About) -> Value {
        let kind = error.kind();
        let mut body =
            json!({ "success": false, "message": self.message(error), "error": self.code(kind) });
        if kind == Kind::AccountNotFound {
            // A second service reads this number even if the account does not exist.
            body["filesUploaded"] = 0.into();
        }
        if let Some(details) = self.details(error) {
            body["details"] = details.into();
        }
        body
    }

    fn schema(&self) -> Value {
        let text = || json!({ "type": "string" });
        json!({
            "type": "object",
            "required": ["success", "message", "error"],
            "properties": {
                "success": { "type": "boolean", "enum": [false] },
                "message": text(),
                "error": text(),
                "details": { "type": "string", "description": "Only outside production." },
                "filesUploaded": { "type": "integer", "format": "int64", "description": "Only with `USER_NOT_FOUND`." },
            },
        })
    }
}
