//! What a handler gets from a request besides its body: source, limits, path and cookie.

use poem::{FromRequest, Request, RequestBody};

use crate::error::{Error, Kind, Limit};
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::limits::Meter;
use crate::http::server::carried;
use crate::http::server::reject::Reject;
use crate::model::{Secret, Source};

/// The parts of a request that handlers need.
pub struct RequestContext {
    /// The client that sent the request.
    pub source: Source,
    /// Counts the request against limits.
    pub meter: Meter,
    /// The path as sent by the client.
    pub path: String,
}

impl RequestContext {
    /// Returns the error for a failed refresh, and counts refused tokens against the refresh limit.
    #[must_use]
    pub fn refresh_failed(&self, failure: Error) -> Error {
        match failure.kind() {
            Kind::RefreshInvalid | Kind::RefreshRevoked => {
                self.meter.count_failure(Limit::Refresh, failure)
            }
            _ => failure,
        }
    }
}

impl<'a> FromRequest<'a> for RequestContext {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let meter = carried::meter(request).map_err(Reject)?.clone();
        Ok(Self {
            source: meter.source().clone(),
            meter,
            path: request.original_uri().path().to_owned(),
        })
    }
}

/// The refresh token from the cookie, if there is one and the page that sent it may use it.
#[derive(Debug)]
pub struct RefreshCookie(pub Option<Secret>);

impl<'a> FromRequest<'a> for RefreshCookie {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(cookie_of(request, Naming::Guarded)?))
    }
}

/// Like [`RefreshCookie`], for wires whose document fixes the cookie's name.
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
