//! How an error leaves: a handler returns [`Reject`], the boundary renders it in the envelope of the request's wire.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use poem::error::ResponseError;
use poem::http::StatusCode;
use serde_json::Value;

use super::limits;
use crate::error::{Error, Kind};
use crate::model::Time;

/// What an envelope may say besides the error.
#[derive(Debug, Clone)]
pub struct About {
    /// The request's id.
    pub request_id: String,
    /// Now.
    pub now: Time,
}

/// How one wire spells errors: two tables and an envelope.
pub trait Wire: Send + Sync + 'static {
    /// `v1`, …: also the name of its OpenAPI document.
    fn name(&self) -> &'static str;

    /// The status of a kind.
    fn status(&self, kind: Kind) -> StatusCode;

    /// The status of an error, where it takes more than the kind to know it.
    fn status_of(&self, error: &Error) -> StatusCode {
        self.status(error.kind())
    }

    /// The code word of a kind.
    fn code(&self, kind: Kind) -> &'static str;

    /// The whole body.
    fn body(&self, error: &Error, about: &About) -> Value;

    /// The JSON schema of that body.
    fn schema(&self) -> Value;

    /// What is said of a kind when the place that fails has nothing better to say.
    fn sentence(&self, kind: Kind) -> &'static str {
        kind.sentence()
    }

    /// What is said of an error: faults of ours always the same, used-up limits with the time that is left.
    fn message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        let kind = error.kind();
        match (kind, error.retry_delay()) {
            (Kind::Internal | Kind::Unavailable, _) => self.sentence(kind).into(),
            (Kind::TooMany(limit), Some(wait)) => limits::sentence(limit, wait).into(),
            _ if error.message() == kind.sentence() => self.sentence(kind).into(),
            _ => error.message().into(),
        }
    }

    /// Whether a refusal of this kind asks for a bearer token (`WWW-Authenticate`).
    fn challenges(&self, kind: Kind) -> bool {
        let about_token = matches!(
            kind,
            Kind::TokenMissing | Kind::TokenFormat | Kind::TokenInvalid | Kind::TokenExpired | Kind::SessionEnded
        );
        about_token && self.status(kind) == StatusCode::UNAUTHORIZED
    }
}

/// A core error on its way out of a handler.
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

/// A core error inside poem's error, where the boundary finds it again.
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
    /// Only seen without a boundary around: which status it has is the wire's business.
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl From<Reject> for poem::Error {
    fn from(reject: Reject) -> Self {
        CoreFailure(reject.0).into()
    }
}
