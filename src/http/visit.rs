//! What a handler knows about the request besides its body: who stands behind it, its limits, its path, its cookie.

use std::sync::Arc;

use poem::{FromRequest, Request, RequestBody};

use super::limits::Meter;
use super::refresh_cookie::{self, Naming};
use super::reject::Reject;
use crate::error::{Error, Kind, Limit};
use crate::identity::Core;
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

    /// What a reset that failed is answered: a password that broke a rule is no use of the link.
    #[must_use]
    pub fn reset_failed(&self, failure: Error) -> Error {
        self.meter.reset_failed(failure)
    }
}

impl<'a> FromRequest<'a> for Visit {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let (source, meter) = (request.data::<Source>().cloned(), request.data::<Meter>().cloned());
        let both = source.zip(meter).ok_or_else(|| Reject(Error::internal("the request did not pass the boundary")));
        let (source, meter) = both?;
        Ok(Self { source, meter, path: request.original_uri().path().to_owned() })
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
    let core = request.data::<Arc<Core>>().ok_or_else(|| Reject(Error::internal("no core in the request")))?;
    Ok(refresh_cookie::read(request, &core.config, naming).map_err(Reject)?)
}
