//! What a request is refused with, in the form of authd's own errors.

use std::fmt;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no `Authorization` header.
    MissingToken,
    /// The token is not one of authd's, or not for this service.
    InvalidToken,
    ExpiredToken,
    /// The session has ended. Only a live check knows.
    RevokedToken,
    /// The account lacks a role or a permission.
    Forbidden,
    /// The keys could never be fetched, or a live check had no answer.
    Unavailable,
}

impl Refusal {
    /// The error code, as authd uses it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingToken => "MISSING_AUTH_HEADER",
            Self::InvalidToken => "INVALID_TOKEN",
            Self::ExpiredToken => "TOKEN_EXPIRED",
            Self::RevokedToken => "TOKEN_REVOKED",
            Self::Forbidden => "INSUFFICIENT_PERMISSIONS",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
        }
    }

    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingToken => "An access token is needed",
            Self::InvalidToken => "The access token is not valid",
            Self::ExpiredToken => "The access token has expired",
            Self::RevokedToken => "The session has ended",
            Self::Forbidden => "The account may not do this",
            Self::Unavailable => "Tokens cannot be checked at the moment",
        })
    }
}

impl std::error::Error for Refusal {}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = serde_json::json!({
            "code": self.code(), "message": self.to_string(), "details": [],
        });
        let body = serde_json::json!({ "success": false, "error": error });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status();
        let (name, value) = match self {
            Self::Unavailable => (RETRY_AFTER, "5"),
            // RFC 6750, section 3.1: without a token there is no error to name.
            Self::MissingToken => (WWW_AUTHENTICATE, "Bearer"),
            Self::Forbidden => (WWW_AUTHENTICATE, r#"Bearer error="insufficient_scope""#),
            _ => (WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#),
        };
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
