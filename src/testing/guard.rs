//! What surrounds the endpoint of a server in test mode: it answers this machine alone, and says in
//! each response and on each page that it is in test mode.

use std::sync::Arc;

use poem::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use poem::{Body, Endpoint, IntoResponse, Request, Response};

use crate::http::extract::{accept, client_ip};
use crate::http::server::log::WarningLimit;
use crate::http::server::request_id;
use crate::identity::Core;

/// Marks each response.
const MARK: HeaderName = HeaderName::from_static("x-authd-test");

/// Follows the opening of the body of each page. Pages allow no style but their own.
const BANNER: &str = "<p role=\"note\" id=\"authd-test\"><mark><strong>Test mode:</strong> this server is for tests alone. \
    <a href=\"/test/mails\">Mail</a></mark></p>";

const REFUSAL: &str = "{\"success\":false,\"error\":{\"code\":\"TEST_MODE\",\"message\":\"This server is in test mode: it \
    answers this machine alone, asked as localhost and through no proxy\"}}";

/// Wraps the endpoint of a server in test mode.
pub(super) fn guarded<E: Endpoint<Output = Response> + 'static>(
    inner: E,
    core: &Arc<Core>,
) -> impl Endpoint<Output = Response> + 'static + use<E> {
    TestGuard { inner, core: core.clone(), warnings: WarningLimit::new(core.env.clone()) }
}

struct TestGuard<E> {
    inner: E,
    core: Arc<Core>,
    warnings: WarningLimit,
}

impl<E: Endpoint<Output = Response>> Endpoint for TestGuard<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        if !client_ip::is_local_request(&self.core.config.server, &request) {
            if self.warnings.permits() {
                tracing::warn!(
                    peer = %client_ip::peer(&request),
                    "refused a request through a proxy, or to a name other than localhost: in test mode, the \
                     server answers this machine alone"
                );
            }
            return Ok(refusal(&request_id::choose(request.headers(), &self.core.env)));
        }
        // A page must arrive whole and as text, so that the banner can be written into it.
        if accept::names_html(request.headers()) {
            request.headers_mut().remove(ACCEPT_ENCODING);
            request.headers_mut().remove(IF_NONE_MATCH);
        }
        let mut response = self.inner.call(request).await?;
        response.headers_mut().insert(MARK, HeaderValue::from_static("true"));
        if is_page(response.headers()) { with_banner(response).await } else { Ok(response) }
    }
}

fn refusal(request_id: &str) -> Response {
    Response::builder()
        .status(StatusCode::FORBIDDEN)
        .header(MARK, "true")
        .header(request_id::HEADER, request_id)
        .header(CACHE_CONTROL, "no-store")
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(REFUSAL)
        .into_response()
}

fn is_page(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|name| name.starts_with("text/html"))
}

async fn with_banner(mut response: Response) -> poem::Result<Response> {
    let page = response.take_body().into_string().await?;
    response.headers_mut().remove(CONTENT_LENGTH);
    // The tag is that of the page without the banner.
    response.headers_mut().remove(ETAG);
    response.set_body(Body::from_string(marked(&page)));
    Ok(response)
}

/// The page with the banner: at the beginning of its body, or of the whole if it has no body.
fn marked(page: &str) -> String {
    let body = page.find("<body").and_then(|at| Some(at + page[at..].find('>')? + 1));
    let (before, after) = page.split_at(body.unwrap_or(0));
    [before, BANNER, after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_opens_the_body_of_a_page() {
        assert_eq!(
            marked("<html><body class=\"a\"><p>x</body>"),
            format!("<html><body class=\"a\">{BANNER}<p>x</body>")
        );
        assert_eq!(marked("<p>x"), format!("{BANNER}<p>x"));
        assert!(!BANNER.contains("style") && !BANNER.contains("script"));
    }
}
