//! What a handler knows about the request besides its body: who stands behind it, its limits, its path, its cookie.

use poem::{FromRequest, Request, RequestBody};

use super::carried;
use super::limits::Meter;
use super::refresh_cookie::{self, Naming};
use super::reject::Reject;
use crate::error::{Error, Kind, Limit};
use crate::model::{Secret, Source};

/// One request, as far as a handler needs it.
pub struct Visit {
    /// Who stands behind it.
    pub source: Source,
    /// Counts it under the limits of its operation.
    pub meter: Meter,
    /// The path as the client sent it.
    pub path: String,
}

impl Visit {
    /// What a refresh that failed is answered: its limit counts the tokens that were refused.
    #[must_use]
    pub fn refresh_failed(&self, failure: Error) -> Error {
        match failure.kind() {
            Kind::RefreshInvalid | Kind::RefreshRevoked => self.meter.count_failure(Limit::Refresh, failure),
            _ => failure,
        }
    }
}

impl<'a> FromRequest<'a> for Visit {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let meter = carried::meter(request).map_err(Reject)?.clone();
        Ok(Self { source: meter.source().clone(), meter, path: request.original_uri().path().to_owned() })
    }
}

/// The refresh token in the cookie, if there is one and the page that sent it may use it.
#[derive(Debug)]
pub struct RefreshCookie(pub Option<Secret>);

impl<'a> FromRequest<'a> for RefreshCookie {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(cookie_of(request, Naming::Guarded)?))
    }
}

/// The same, where the wire's document names the cookie.
#[derive(Debug)]
pub struct PlainRefreshCookie(pub Option<Secret>);

impl<'a> FromRequest<'a> for PlainRefreshCookie {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(cookie_of(request, Naming::AsDocumented)?))
    }
}

fn cookie_of(request: &Request, naming: Naming) -> poem::Result<Option<Secret>> {
    let core = carried::core(request).map_err(Reject)?;
    Ok(refresh_cookie::read(request, &core.config, naming).map_err(Reject)?)
}
