//! Converts poem's errors to core errors. Core errors that poem carried are returned unchanged.

use poem::error::{ParsePathError, ReadBodyError};
use poem::http::StatusCode;
use poem_openapi::error::{
    ParseParamError, ParsePathError as ParsePathParamError, ParseRequestPayloadError,
};

use crate::error::{Error, Kind, Limit, Rule};
use crate::http::server::reject::CoreFailure;

/// Returns the core error inside a poem error, or the core error that corresponds to it.
#[must_use]
pub fn from_poem(error: poem::Error) -> Error {
    let error = match error.downcast::<CoreFailure>() {
        Ok(CoreFailure(core)) => return core,
        Err(error) => error,
    };
    if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
        return Error::invalid_field(parameter.name, Rule::Parameter);
    }
    if error.is::<ParsePathError>() || error.is::<ParsePathParamError>() {
        return Error::new(Kind::NotFound);
    }
    if matches!(error.downcast_ref::<ReadBodyError>(), Some(ReadBodyError::Io(_))) {
        return Error::with(
            Kind::MalformedBody,
            "The request body ended early or arrived too slowly",
        )
        .caused_by(Framework::of(&error));
    }
    if error.is::<ParseRequestPayloadError>()
        || error.is::<ReadBodyError>() && error.status() == StatusCode::BAD_REQUEST
    {
        return Error::new(Kind::MalformedBody).caused_by(Framework::of(&error));
    }
    match kind_of(error.status()) {
        Kind::Validation => Error::with(Kind::Validation, "The request could not be understood"),
        kind => Error::new(kind),
    }
    .caused_by(Framework::of(&error))
}

/// Logs an error that occurs after the response headers were sent, and converts it to an I/O error
/// that aborts the response. It is logged here because the boundary can no longer render it.
#[must_use]
pub fn cut_off(error: Error) -> std::io::Error {
    tracing::error!(error = error.chain(), "response aborted after its headers were sent");
    std::io::Error::other(error)
}

fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMediaType,
        StatusCode::UNAUTHORIZED => Kind::TokenInvalid,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::TOO_MANY_REQUESTS => Kind::TooMany(Limit::General),
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        other if other.is_client_error() => Kind::Validation,
        _ => Kind::Internal,
    }
}

/// The framework's message, for the log only: poem's error types are not passed on.
#[derive(Debug)]
struct Framework(String);

impl Framework {
    fn of(error: &poem::Error) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for Framework {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Framework {}

#[cfg(test)]
mod tests {
    use poem::error::{MethodNotAllowedError, NotFoundError};

    use super::*;
    use crate::http::server::error_text;
    use crate::http::server::reject::Reject;

    #[test]
    fn a_core_error_comes_through_whole() {
        let sent = Error::with(Kind::TooMany(Limit::SignIn), "Wait")
            .retry_after(std::time::Duration::from_secs(7));
        let back = from_poem(Reject(sent).into());
        assert_eq!((back.kind(), back.message()), (Kind::TooMany(Limit::SignIn), "Wait"));
        assert_eq!(back.retry_delay(), Some(std::time::Duration::from_secs(7)));
    }

    #[test]
    fn a_frameworks_error_has_a_kind_and_none_of_its_words() {
        for (error, kind) in [
            (NotFoundError.into(), Kind::NotFound),
            (MethodNotAllowedError.into(), Kind::MethodNotAllowed),
            (ParsePathError.into(), Kind::NotFound),
            (poem::Error::from_string("secret words", StatusCode::BAD_REQUEST), Kind::Validation),
            (poem::Error::from_string("secret words", StatusCode::BAD_GATEWAY), Kind::Internal),
            (ReadBodyError::PayloadTooLarge.into(), Kind::PayloadTooLarge),
            (
                ParseParamError { name: "page", reason: "secret words".into() }.into(),
                Kind::Validation,
            ),
        ] {
            let error: Error = from_poem(error);
            assert_eq!(error.kind(), kind);
            assert!(!error_text::message(&error).contains("secret"));
        }
    }
}
