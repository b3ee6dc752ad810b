//! Response types of the operations. Successes are documented by their types; the OpenAPI pass
//! documents rejections.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use poem::http::header::SET_COOKIE;
use poem::http::{HeaderMap, HeaderValue};
use poem::{Body, IntoResponse};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload, Response};
use poem_openapi::registry::{MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;

use crate::error::Error;
use crate::http::server::reject::Reject;

/// The return type of most handlers.
pub type Answer<T> = std::result::Result<Response<Json<T>>, Reject>;

/// A success response.
#[must_use]
pub fn answer<T>(body: T) -> Response<Json<T>> {
    Response::new(Json(body))
}

/// A success response that sets or clears a cookie.
#[must_use]
pub fn with_cookie<T>(body: T, cookie: String) -> Response<Json<T>> {
    answer(body).header(SET_COOKIE, cookie)
}

/// Cookies that the response to a request sets or clears, also if it is an error. The boundary adds
/// them.
#[derive(Debug, Clone, Default)]
pub struct ResponseCookies(Arc<Mutex<Vec<HeaderValue>>>);

impl ResponseCookies {
    /// Adds a `Set-Cookie` value.
    pub fn add(&self, cookie: &str) {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
        }
    }

    /// Writes them into the response.
    pub(in crate::http) fn write(&self, headers: &mut HeaderMap) {
        for value in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if !headers.get_all(SET_COOKIE).iter().any(|set| set == value) {
                headers.append(SET_COOKIE, value);
            }
        }
    }
}

/// Initial buffer size: a typical response fits without reallocation.
const ROOM: usize = 1024;

/// The return type of handlers that are called often or return much.
pub type QuickAnswer<T> = std::result::Result<Response<SerializedJson<T>>, Reject>;

/// A JSON body that was serialized directly, without an intermediate value tree. In the OpenAPI
/// document it equals [`Json`].
pub struct SerializedJson<T> {
    body: Body,
    _of: PhantomData<T>,
}

/// A success response, serialized directly.
pub fn written<T: Serialize>(body: &T) -> QuickAnswer<T> {
    let mut text = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut text, body).map_err(|error| {
        Reject(Error::internal("failed to serialize a response").caused_by(error))
    })?;
    Ok(streamed(text.into()))
}

/// A success response that is serialized while it is sent.
#[must_use]
pub fn streamed<T>(body: Body) -> Response<SerializedJson<T>> {
    Response::new(SerializedJson { body, _of: PhantomData })
}

impl<T: Type> Payload for SerializedJson<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        Json::<T>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}

impl<T: Type> IntoResponse for SerializedJson<T> {
    fn into_response(self) -> poem::Response {
        poem::Response::builder().content_type(Self::CONTENT_TYPE).body(self.body)
    }
}

impl<T: ToJSON> ApiResponse for SerializedJson<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as ApiResponse>::register(registry);
    }
}

/// Handler signatures do not list errors: the OpenAPI pass adds them from the wire's tables.
impl ApiResponse for Reject {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_registry: &mut Registry) {}
}
