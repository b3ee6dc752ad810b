//! Answers as the operations give them: documented successes, and rejections that the document's pass describes.

use poem::http::header::SET_COOKIE;
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Response};
use poem_openapi::registry::{MetaResponses, Registry};

use super::reject::Reject;

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

/// Errors stand in no handler's signature: the pass over the document writes them from the wire's table.
impl ApiResponse for Reject {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_registry: &mut Registry) {}
}
