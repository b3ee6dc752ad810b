//! What a request carries on its way in, as handlers take it out again.

use std::sync::Arc;

use poem::Request;

use super::limits::Meter;
use super::schema::Schemas;
use crate::error::{Error, Result};
use crate::identity::Core;

/// What the router gives every operation.
pub(super) struct Setting {
    pub(super) core: Arc<Core>,
    pub(super) schemas: Schemas,
}

/// All that handlers stand on.
///
/// # Errors
/// When the request has not come through the router of operations.
pub fn core(request: &Request) -> Result<&Arc<Core>> {
    setting(request).map(|setting| &setting.core)
}

/// The schemas of bodies.
///
/// # Errors
/// As [`core`].
pub(super) fn schemas(request: &Request) -> Result<&Schemas> {
    setting(request).map(|setting| &setting.schemas)
}

/// What counts the request, and knows who stands behind it.
///
/// # Errors
/// When the request has not come through the boundary.
pub(super) fn meter(request: &Request) -> Result<&Meter> {
    request.data::<Meter>().ok_or_else(|| Error::internal("the request did not pass the boundary"))
}

fn setting(request: &Request) -> Result<&Setting> {
    let setting = request.data::<Arc<Setting>>().map(Arc::as_ref);
    setting.ok_or_else(|| Error::internal("the request did not pass the router"))
}
