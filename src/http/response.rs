//! Answers as the operations give them: documented successes, and rejections that the document's pass describes.

use std::marker::PhantomData;

use poem::IntoResponse;
use poem::http::header::SET_COOKIE;
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload, Response};
use poem_openapi::registry::{MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;

use super::reject::Reject;
use crate::error::Error;

/// What most handlers give back.
pub type Answer<T> = std::result::Result<Response<Json<T>>, Reject>;

/// A success.
#[must_use]
pub fn answer<T>(body: T) -> Response<Json<T>> {
    Response::new(Json(body))
}

/// A success that sets or clears a cookie.
#[must_use]
pub fn with_cookie<T>(body: T, cookie: String) -> Response<Json<T>> {
    answer(body).header(SET_COOKIE, cookie)
}

/// Room for a usual answer, so that its text need not move while it grows.
const ROOM: usize = 1024;

/// What the handlers give back that are called all day.
pub type QuickAnswer<T> = std::result::Result<Response<Written<T>>, Reject>;

/// A JSON body that went to text without a tree of values in between; in the document it is what [`Json`] is.
pub struct Written<T> {
    text: Vec<u8>,
    _of: PhantomData<T>,
}

/// A success, written at once.
///
/// # Errors
/// When the body cannot be written.
pub fn written<T: Serialize>(body: &T) -> QuickAnswer<T> {
    let mut text = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut text, body)
        .map_err(|error| Reject(Error::internal("an answer cannot be written").caused_by(error)))?;
    Ok(Response::new(Written { text, _of: PhantomData }))
}

impl<T: Type> Payload for Written<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        Json::<T>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}

impl<T: Type> IntoResponse for Written<T> {
    fn into_response(self) -> poem::Response {
        poem::Response::builder().content_type(Self::CONTENT_TYPE).body(self.text)
    }
}

impl<T: ToJSON> ApiResponse for Written<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as ApiResponse>::register(registry);
    }
}

/// Errors stand in no handler's signature: the pass over the document writes them from the wire's table.
impl ApiResponse for Reject {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_registry: &mut Registry) {}
}
