//! `/metrics` for Prometheus: access control, and the wrapper that counts requests.
//!
//! Only the router knows the route of a request, and an error response does not carry it. The
//! router therefore stores the route in a slot of the request, from which the outermost wrapper,
//! [`counted`], reads it.

use std::sync::{Arc, OnceLock};

use poem::http::header::{ALLOW, CONTENT_TYPE};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, IntoResponse, PathPattern, Request, Response, Route, endpoint};

use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::http::extract::client_ip::{is_asked_by_name, service_allowed};
use crate::http::server::arrival;
use crate::http::server::headers::{Standard, Transport};
use crate::http::server::reject::Reject;
use crate::http::server::request_id;
use crate::identity::Core;
use crate::identity::system::metrics as system_metrics;
use crate::identity::system::operator_token::TokenPurpose;
use crate::metrics::{Metrics, RequestSpan, Stopwatch, TraceContext};
use crate::model::Time;

/// The path of the metrics.
pub const PATH: &str = "/metrics";
/// The route label of requests that matched no route or never reached the router.
const UNROUTED: &str = "none";

/// Holds the route template of a request, once the router has found it.
#[derive(Clone, Default)]
pub(in crate::http) struct RouteTemplateSlot(Arc<OnceLock<Arc<str>>>);

impl RouteTemplateSlot {
    /// The slot of a request; an empty one if no metrics are kept.
    pub(in crate::http) fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// The route template, such as `/v1/admin/users/:id`.
    pub(in crate::http) fn template(&self) -> Option<&str> {
        self.0.get().map(Arc::as_ref)
    }
}

/// Wraps an endpoint and counts each request it answers.
pub fn counted(
    inner: impl Endpoint<Output = Response> + 'static,
    metrics: Metrics,
    env: Env,
) -> impl Endpoint<Output = Response> + 'static {
    CountedEndpoint { inner, metrics, env, unrouted: UNROUTED.into() }
}

struct CountedEndpoint<E> {
    inner: E,
    metrics: Metrics,
    env: Env,
    unrouted: Arc<str>,
}

impl<E: Endpoint<Output = Response>> Endpoint for CountedEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let watch = Stopwatch::start();
        let method = word(request.method());
        let slot = RouteTemplateSlot::default();
        request.extensions_mut().insert(slot.clone());
        let tracing = if self.metrics.keeps_spans() { self.traced(&request) } else { None };
        let answer = self.inner.call(request).await;
        let status = answer.as_ref().map_or_else(poem::Error::status, Response::status);
        let route = slot.0.get().unwrap_or(&self.unrouted);
        self.metrics.note_request(method, route, status.as_u16(), &watch);
        if let Some((context, began)) = tracing {
            let (route, status, seconds) = (Arc::clone(route), status.as_u16(), watch.seconds());
            let span = RequestSpan { context, began, seconds, method, route, status };
            self.metrics.note_span(span);
        }
        answer
    }
}

impl<E> CountedEndpoint<E> {
    /// Where a request belongs in a trace and when it began, if its trace is recorded.
    fn traced(&self, request: &Request) -> Option<(TraceContext, Time)> {
        let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        let context = TraceContext::of(parent, self.env.random().ok()?)?;
        Some((context, self.env.wall()))
    }
}

/// Stores the route of a request for [`counted`].
pub(in crate::http) fn note_route(request: &Request, route: &Arc<str>) {
    if let Some(RouteTemplateSlot(slot)) = request.extensions().get::<RouteTemplateSlot>() {
        slot.get_or_init(|| Arc::clone(route));
    }
}

/// Passes a request to poem's router, and stores the template that matched.
pub(in crate::http) async fn routed(router: &Route, request: Request) -> poem::Result<Response> {
    let slot = request.extensions().get::<RouteTemplateSlot>().cloned();
    let answer = router.call(request).await;
    let pattern = match &answer {
        Ok(response) => response.data::<PathPattern>(),
        Err(error) => error.data::<PathPattern>(),
    };
    if let (Some(RouteTemplateSlot(slot)), Some(pattern)) = (slot, pattern) {
        slot.get_or_init(|| Arc::clone(&pattern.0));
    }
    answer
}

/// A method as a label. All non-standard methods share one label, so that clients cannot create new
/// ones.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The metrics on the API's port, for peers that may make service calls, and for the command line
/// with the master key.
#[must_use]
pub fn guarded(core: Arc<Core>) -> impl Endpoint<Output = Response> {
    endpoint::make(move |request: Request| {
        let core = core.clone();
        async move { Ok::<_, poem::Error>(guard(&core, &request).await.map_err(Reject)?) }
    })
}

async fn guard(core: &Core, request: &Request) -> Result<Response> {
    if !core.config.metrics.enabled {
        return Err(Error::new(Kind::NotFound));
    }
    let is_allowed = service_allowed(&core.config.server, request)
        || arrival::proof(core, request, TokenPurpose::Metrics).await.is_some();
    if !is_allowed {
        return Err(Error::new(Kind::Forbidden));
    }
    Ok(figures(core).await)
}

/// The metrics on a separate port. Every client that reaches the port may read them. On a loopback
/// port the `Host` is checked too, which stops web pages in a local browser (DNS rebinding).
#[must_use]
pub fn alone(core: Arc<Core>) -> impl Endpoint<Output = Response> + 'static {
    let standard = Standard::over(Transport::of(&core.config.server));
    endpoint::make(move |request: Request| {
        let (core, standard) = (core.clone(), standard.clone());
        async move {
            let is_local =
                core.config.metrics.listen.is_some_and(|address| address.ip().is_loopback());
            let mut response = match request.uri().path() {
                _ if is_local && !is_asked_by_name(&core.config.server, request.headers()) => {
                    StatusCode::FORBIDDEN.into()
                }
                PATH if [Method::GET, Method::HEAD].contains(request.method()) => {
                    figures(&core).await
                }
                PATH => {
                    StatusCode::METHOD_NOT_ALLOWED.with_header(ALLOW, "GET, HEAD").into_response()
                }
                _ => StatusCode::NOT_FOUND.into(),
            };
            let id = request_id::choose(request.headers(), &core.env);
            standard.complete(response.headers_mut(), &id);
            Ok::<_, poem::Error>(response)
        }
    })
}

async fn figures(core: &Core) -> Response {
    let text = core.metrics.text(system_metrics::read(core).await);
    Response::builder().header(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8").body(text)
}
