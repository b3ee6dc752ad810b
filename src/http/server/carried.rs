//! The data that router and boundary attach to a request, for handlers to read.

use std::sync::Arc;

use poem::Request;

use crate::error::{Error, Result};
use crate::http::extract::schema::Schemas;
use crate::http::limits::Meter;
use crate::http::server::response::ResponseCookies;
use crate::identity::Core;

/// The data that the router attaches to each request of an operation.
pub(in crate::http) struct Setting {
    pub(in crate::http) core: Arc<Core>,
    pub(in crate::http) schemas: Schemas,
}

/// The core.
pub fn core(request: &Request) -> Result<&Arc<Core>> {
    setting(request).map(|setting| &setting.core)
}

/// The schemas of request bodies.
pub(in crate::http) fn schemas(request: &Request) -> Result<&Schemas> {
    setting(request).map(|setting| &setting.schemas)
}

/// The meter of the request, which also knows its source.
pub(in crate::http) fn meter(request: &Request) -> Result<&Meter> {
    request.data::<Meter>().ok_or_else(|| Error::internal("the request did not pass the boundary"))
}

/// The cookies of the response.
pub(in crate::http) fn response_cookies(request: &Request) -> Result<&ResponseCookies> {
    request
        .data::<ResponseCookies>()
        .ok_or_else(|| Error::internal("the request did not pass the boundary"))
}

fn setting(request: &Request) -> Result<&Setting> {
    let setting = request.data::<Arc<Setting>>().map(Arc::as_ref);
    setting.ok_or_else(|| Error::internal("the request did not pass the router"))
}
