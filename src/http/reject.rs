//! How an error leaves: a handler returns [`Reject`], the boundary renders it in the envelope of the request's wire.

use poem::http::StatusCode;
use serde_json::Value;

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

    /// The code word of a kind.
    fn code(&self, kind: Kind) -> &'static str;

    /// The whole body.
    fn body(&self, error: &Error, about: &About) -> Value;
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
