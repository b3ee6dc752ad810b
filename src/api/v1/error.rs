//! Maps errors to v1's error codes and response envelope. Its statuses are the default ones.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::error::{Error, Extra, FieldError, Kind, Limit, Rule};
use crate::http::server::error_text::short;
use crate::http::server::reject::{About, Wire};
use crate::model::time::whole_seconds;

/// The native wire.
#[derive(Debug, Clone, Copy)]
pub struct V1;

impl Wire for V1 {
    fn name(&self) -> &'static str {
        "v1"
    }

    fn code(&self, kind: Kind) -> Cow<'static, str> {
        code(kind).into()
    }

    fn body(&self, error: &Error, about: &About) -> Value {
        let mut inner = Map::new();
        inner.insert("code".into(), self.code(error.kind()).into());
        inner.insert("message".into(), self.message(error).into());
        if !error.fields().is_empty() {
            inner.insert("details".into(), error.fields().iter().map(row).collect());
        }
        match error.extra() {
            Some(Extra::Challenge { token, methods, expires_in }) => {
                let words = methods.iter().map(|method| method.as_str()).collect();
                inner.insert("mfaToken".into(), token.reveal().into());
                inner.insert("methods".into(), words);
                inner.insert("expiresIn".into(), expires_in.as_secs().into());
            }
            Some(Extra::ProviderStep { token, step, expires_in }) => {
                inner.insert("providerToken".into(), token.reveal().into());
                inner.insert("step".into(), step.as_str().into());
                let email = step.email().map(|email| email.as_str().into());
                inner.extend(email.map(|email| ("email".to_owned(), email)));
                inner.insert("expiresIn".into(), expires_in.as_secs().into());
            }
            None => {}
        }
        if let Some(after) = error.retry_delay() {
            inner.insert("retryAfter".into(), whole_seconds(after).into());
        }
        json!({
            "success": false,
            "error": inner,
            "timestamp": about.now.to_seconds_text(),
            "requestId": about.request_id,
        })
    }

    fn schema(&self) -> Value {
        let text = || json!({ "type": "string" });
        let row = json!({
            "type": "object",
            "required": ["field", "message", "code"],
            "properties": { "field": text(), "message": text(), "code": text() },
        });
        json!({
            "type": "object",
            "required": ["success", "error", "timestamp", "requestId"],
            "properties": {
                "success": { "type": "boolean", "enum": [false] },
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": text(),
                        "message": text(),
                        "details": { "type": "array", "items": row },
                        "mfaToken": {
                            "type": "string",
                            "description": "Token to complete a login that requires a second factor.",
                        },
                        "methods": {
                            "type": "array",
                            "items": text(),
                            "description": "Methods that complete the login.",
                        },
                        "providerToken": {
                            "type": "string",
                            "description": "Token to go on with a login with a provider.",
                        },
                        "step": {
                            "type": "string",
                            "description": "What the login with a provider needs: `email`, `existing_account` or `login`.",
                        },
                        "email": { "type": "string", "description": "The address that `step` is about." },
                        "expiresIn": { "type": "integer", "description": "Lifetime of the token, in seconds." },
                        "retryAfter": { "type": "integer", "description": "When to retry, in seconds." },
                    },
                },
                "timestamp": { "type": "string", "format": "date-time" },
                "requestId": text(),
            },
        })
    }
}

/// The error code of a kind. A new kind does not compile without one.
fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::Validation | Kind::MalformedBody => "VALIDATION_ERROR",
        Kind::MissingCredentials => "MISSING_CREDENTIALS",
        Kind::MissingRefreshToken => "MISSING_REFRESH_TOKEN",
        Kind::MissingLinkToken => "MISSING_TOKEN",
        Kind::InvalidCredentials | Kind::WrongCurrentPassword => "INVALID_CREDENTIALS",
        Kind::EmailUnverified => "EMAIL_NOT_VERIFIED",
        Kind::AccountLocked => "ACCOUNT_LOCKED",
        Kind::AccountSuspended => "ACCOUNT_SUSPENDED",
        Kind::AccountDeleted => "ACCOUNT_DELETED",
        Kind::EmailTaken => "EMAIL_EXISTS",
        Kind::UsernameTaken => "USERNAME_EXISTS",
        Kind::TokenMissing => "MISSING_AUTH_HEADER",
        Kind::TokenFormat => "INVALID_AUTH_FORMAT",
        Kind::TokenInvalid | Kind::LinkInvalid => "INVALID_TOKEN",
        Kind::TokenExpired | Kind::LinkExpired => "TOKEN_EXPIRED",
        Kind::SessionEnded | Kind::RefreshRevoked => "TOKEN_REVOKED",
        Kind::RefreshInvalid | Kind::RefreshStale => "INVALID_REFRESH_TOKEN",
        Kind::ReauthenticationRequired => "REAUTHENTICATION_REQUIRED",
        Kind::MfaRequired => "MFA_REQUIRED",
        Kind::MfaCodeInvalid => "INVALID_MFA_CODE",
        Kind::MfaNotEnabled => "MFA_NOT_ENABLED",
        Kind::BackupCodeUsed => "MFA_BACKUP_CODE_USED",
        Kind::PasskeyInvalid => "INVALID_PASSKEY",
        Kind::PasskeyRejected => "PASSKEY_REJECTED",
        Kind::ProviderRejected => "PROVIDER_REJECTED",
        Kind::ProviderStepRequired => "PROVIDER_STEP_REQUIRED",
        Kind::ProviderLoginRequired => "PROVIDER_LOGIN_REQUIRED",
        Kind::LastLoginMethod => "LAST_LOGIN_METHOD",
        Kind::CodeInvalid => "INVALID_CODE",
        Kind::SessionNotFound => "SESSION_NOT_FOUND",
        Kind::AlreadyExists => "ALREADY_EXISTS",
        Kind::Conflict => "CONFLICT",
        Kind::PreconditionFailed => "PRECONDITION_FAILED",
        Kind::LastAdmin => "LAST_ADMIN",
        Kind::AppInvalid => "INVALID_APP_CREDENTIALS",
        Kind::UploadLimitReached => "UPLOAD_LIMIT_REACHED",
        Kind::Forbidden => "INSUFFICIENT_PERMISSIONS",
        Kind::ForeignOrigin => "ORIGIN_NOT_ALLOWED",
        Kind::AccountNotFound => "USER_NOT_FOUND",
        Kind::NotFound => "NOT_FOUND",
        Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        Kind::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
        Kind::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
        Kind::TooMany(limit) => limit_code(limit),
        Kind::Unavailable => "SERVICE_UNAVAILABLE",
        Kind::Internal => "INTERNAL_SERVER_ERROR",
    }
}

/// The code of a 429, by the limit that was used up.
fn limit_code(limit: Limit) -> &'static str {
    match limit {
        Limit::General | Limit::SignUp | Limit::SignIn => "RATE_LIMIT_EXCEEDED",
        Limit::Refresh
        | Limit::VerifyEmail
        | Limit::ConfirmEmail
        | Limit::UndoEmail
        | Limit::Disown
        | Limit::OpenLogin
        | Limit::NotMe
        | Limit::Factor
        | Limit::FactorSent
        | Limit::Reauthenticate
        | Limit::ChangePassword
        | Limit::CodeRequest
        | Limit::Code
        | Limit::PasskeyOptions
        | Limit::Passkey
        | Limit::ProviderBegin
        | Limit::Provider
        | Limit::ProviderCode
        | Limit::ProviderStep => "AUTH_RATE_LIMIT_EXCEEDED",
        Limit::Resend => "REGISTRATION_RATE_LIMIT_EXCEEDED",
        Limit::Forgot
        | Limit::Reset
        | Limit::ForgotByCode
        | Limit::ResetCode
        | Limit::ResetByCode => "PASSWORD_RESET_RATE_LIMIT_EXCEEDED",
    }
}

fn row(error: &FieldError) -> Value {
    json!({
        "field": V1.field_name(&error.field),
        "message": short(error),
        "code": row_code(&error.rule),
    })
}

/// The code of a rule. A new rule does not compile without one.
fn row_code(rule: &Rule) -> &'static str {
    match rule {
        Rule::Required | Rule::EmptyFile => "REQUIRED_FIELD_MISSING",
        Rule::TooShort { .. } | Rule::TooFew { .. } | Rule::TooSmall { .. } => "FIELD_TOO_SHORT",
        Rule::TooLong { .. } | Rule::TooMany { .. } | Rule::TooLarge { .. } => "FIELD_TOO_LONG",
        Rule::Email | Rule::EmailInPath => "INVALID_EMAIL_FORMAT",
        Rule::Username => "INVALID_USERNAME_FORMAT",
        Rule::Weak(_) => "INVALID_PASSWORD_STRENGTH",
        Rule::WrongType { .. }
        | Rule::ControlCharacters
        | Rule::NotOneOf(_)
        | Rule::SameEmail
        | Rule::Language
        | Rule::Factor(_)
        | Rule::OneLine { .. }
        | Rule::FileName { .. }
        | Rule::Identifier { .. }
        | Rule::Role(_)
        | Rule::StatusNotSettable
        | Rule::SearchText { .. }
        | Rule::Word { .. }
        | Rule::GivenTwice
        | Rule::Base64Url
        | Rule::Timestamp
        | Rule::Setting(_)
        | Rule::Parameter => "VALIDATION_ERROR",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Field;
    use crate::model::Time;

    fn about() -> About {
        About { request_id: "req-1".into(), now: Time::from_seconds(1_701_426_600) }
    }

    #[test]
    fn broken_rules_are_listed_with_their_codes() {
        let sentence = "Password must be at least 12 characters";
        let error = Error::invalid(vec![
            FieldError::new(Field::Password, Rule::TooShort { min: 12 }),
            FieldError::new("email", Rule::Required),
        ]);
        let expected = json!({
            "success": false,
            "error": {
                "code": "VALIDATION_ERROR",
                "message": sentence,
                "details": [
                    {"field": "password", "message": "Too short", "code": "FIELD_TOO_SHORT"},
                    {"field": "email", "message": "Required", "code": "REQUIRED_FIELD_MISSING"},
                ],
            },
            "timestamp": "2023-12-01T10:30:00Z",
            "requestId": "req-1",
        });
        assert_eq!(V1.body(&error, &about()), expected);
    }

    #[test]
    fn a_used_up_limit_says_when_to_come_back() {
        let body = |limit, seconds| {
            let error = Error::new(Kind::TooMany(limit)).retry_after(Duration::from_secs(seconds));
            V1.body(&error, &about())["error"].clone()
        };
        assert_eq!(
            body(Limit::General, 900),
            json!({
                "code": "RATE_LIMIT_EXCEEDED",
                "message": "Too many requests. Try again in 15 minutes.",
                "retryAfter": 900,
            })
        );
        let message = "Too many registration attempts. Try again in 1 hour.";
        assert_eq!(body(Limit::SignUp, 3600)["message"], message);
        assert_eq!(body(Limit::SignUp, 3590)["message"], message);
    }

    #[test]
    fn a_fault_of_ours_says_nothing_of_itself() {
        let error = Error::internal("the secret reason").caused_by("more of it");
        let body = V1.body(&error, &about()).to_string();
        assert!(body.contains("Internal server error") && !body.contains("secret"), "{body}");
    }
}
