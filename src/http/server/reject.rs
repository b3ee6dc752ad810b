//! How errors reach the client: a handler returns [`Reject`], and the boundary renders it in the
//! envelope of the request's wire.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use poem::error::ResponseError;
use poem::http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::error::{Error, Field, Kind};
use crate::http::limits;
use crate::http::server::error_text;
use crate::model::Time;
use crate::model::time::whole_seconds;

/// What an envelope may contain besides the error.
#[derive(Debug, Clone)]
pub struct About {
    pub request_id: String,
    pub now: Time,
}

/// How one wire represents errors: its statuses, its codes, and an envelope.
pub trait Wire: Send + Sync + 'static {
    /// The wire's name, such as `v1`; also the name of its OpenAPI document.
    fn name(&self) -> &'static str;

    /// The HTTP status of a kind.
    fn status(&self, kind: Kind) -> StatusCode {
        status(kind)
    }

    /// The HTTP status of an error, for wires where it depends on more than the kind.
    fn status_of(&self, error: &Error) -> StatusCode {
        self.status(error.kind())
    }

    /// The error code of a kind.
    fn code(&self, kind: Kind) -> Cow<'static, str>;

    /// The response body.
    fn body(&self, error: &Error, about: &About) -> Value;

    /// The JSON schema of the response body.
    fn schema(&self) -> Value;

    /// The default message of a kind.
    fn sentence(&self, kind: Kind) -> &'static str {
        kind.sentence()
    }

    /// The name of a field in an error.
    fn field_name<'a>(&self, field: &'a Field) -> Cow<'a, str> {
        error_text::field_name(field)
    }

    /// The message of an error: a fixed sentence for internal errors, the remaining wait for
    /// used-up limits.
    fn message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        let kind = error.kind();
        match (kind, error.retry_delay()) {
            (Kind::Internal | Kind::Unavailable, _) => self.sentence(kind).into(),
            (Kind::TooMany(limit), Some(wait)) => limits::sentence(limit, wait).into(),
            _ => error_text::specific(error).unwrap_or_else(|| self.sentence(kind).into()),
        }
    }

    /// Whether a response of this kind has `WWW-Authenticate: Bearer`.
    fn challenges(&self, kind: Kind) -> bool {
        let about_token = matches!(
            kind,
            Kind::TokenMissing
                | Kind::TokenFormat
                | Kind::TokenInvalid
                | Kind::TokenExpired
                | Kind::SessionEnded
        );
        about_token && self.status(kind) == StatusCode::UNAUTHORIZED
    }
}

/// The HTTP status of a kind, unless the wire states another. A new kind does not compile without
/// one.
#[must_use]
pub fn status(kind: Kind) -> StatusCode {
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
        | Kind::PasskeyRejected
        | Kind::ProviderRejected
        | Kind::CodeInvalid => StatusCode::BAD_REQUEST,
        Kind::InvalidCredentials
        | Kind::EmailUnverified
        | Kind::TokenMissing
        | Kind::TokenFormat
        | Kind::TokenInvalid
        | Kind::TokenExpired
        | Kind::SessionEnded
        | Kind::RefreshInvalid
        | Kind::RefreshStale
        | Kind::RefreshRevoked
        | Kind::MfaRequired
        | Kind::ProviderStepRequired
        | Kind::PasskeyInvalid
        | Kind::AppInvalid => StatusCode::UNAUTHORIZED,
        Kind::ReauthenticationRequired
        | Kind::AccountSuspended
        | Kind::AccountDeleted
        | Kind::Forbidden
        | Kind::ForeignOrigin => StatusCode::FORBIDDEN,
        Kind::LinkInvalid | Kind::AccountNotFound | Kind::SessionNotFound | Kind::NotFound => {
            StatusCode::NOT_FOUND
        }
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::EmailTaken
        | Kind::UsernameTaken
        | Kind::AlreadyExists
        | Kind::ProviderLoginRequired
        | Kind::Conflict
        | Kind::LastAdmin
        | Kind::LastLoginMethod => StatusCode::CONFLICT,
        Kind::LinkExpired => StatusCode::GONE,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::AccountLocked => StatusCode::LOCKED,
        Kind::TooMany(_) | Kind::UploadLimitReached => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs the cause of an error response: internal errors as errors, refusals for debugging only.
pub fn log(error: &Error, status: StatusCode, request_id: &str) {
    let (kind, cause) = (error.kind(), error.chain());
    if status.is_server_error() {
        tracing::error!(request_id, ?kind, cause, "request failed");
    } else {
        tracing::debug!(request_id, ?kind, cause, "request refused");
    }
}

/// A `Retry-After` value: whole seconds, rounded up, at least one.
#[must_use]
pub fn retry_after(wait: Duration) -> HeaderValue {
    HeaderValue::from(whole_seconds(wait).max(1))
}

/// A core error returned by a handler.
#[derive(Debug)]
pub struct Reject(pub Error);

impl From<Error> for Reject {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Kind> for Reject {
    fn from(kind: Kind) -> Self {
        Self(kind.into())
    }
}

/// A core error inside a poem error, for the boundary to extract.
#[derive(Debug)]
pub struct CoreFailure(pub Error);

impl fmt::Display for CoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for CoreFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl ResponseError for CoreFailure {
    /// Only seen without a boundary; for the real status see [`Wire::status_of`].
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl From<Reject> for poem::Error {
    fn from(reject: Reject) -> Self {
        CoreFailure(reject.0).into()
    }
}
