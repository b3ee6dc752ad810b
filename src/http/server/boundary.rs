//! The outermost wrapper: every error inside becomes a response in the envelope of the request's
//! wire.
//!
//! The boundary assigns the request's id and source, rejects malformed requests, counts against the
//! general limit, and logs. It catches panics and framework errors. Authorization happens further
//! in.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use poem::http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, SET_COOKIE, USER_AGENT, WWW_AUTHENTICATE,
};
use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Endpoint, IntoResponse, Request, Response};
use tracing::Instrument;

use crate::config::Server;
use crate::env::Env;
use crate::error::{Error, Kind, Limit, Result};
use crate::http::extract::client_ip::Addresses;
use crate::http::extract::{bearer, origin};
use crate::http::limits::{Limiter, Meter};
use crate::http::server::cors::Cors;
use crate::http::server::failure::from_poem;
use crate::http::server::headers::{Standard, Transport};
use crate::http::server::log::RequestLine;
use crate::http::server::metrics::RouteTemplateSlot;
use crate::http::server::plain_http::PlainHttpRule;
use crate::http::server::refused_origins::RefusedOrigins;
use crate::http::server::reject::About;
use crate::http::server::response::ResponseCookies;
use crate::http::server::wires::Wires;
use crate::http::server::{cors, reject, request_id};
use crate::identity::access::caller::VerifiedToken;
use crate::identity::audit::refusals::Refusals;
use crate::model::{RequestSender, Source, Time};

/// Maximum number of headers in a request.
const MAX_HEADERS: usize = 64;
/// Maximum length of a request's path and query, in bytes.
const MAX_URI: usize = 8 * 1024;
/// Maximum number of bytes kept of a User-Agent: every record of the audit log has one.
const MAX_USER_AGENT: usize = 256;

/// A cheap check that a token is ours and has not expired. Calls with such a token get the higher
/// general limit, if they need it.
pub trait TokenCheck: Send + Sync + 'static {
    /// The verified claims, if the signature and the times are valid.
    fn check(&self, token: &str) -> Option<VerifiedToken>;
}

/// The dependencies of the boundary.
#[derive(Clone)]
pub struct Surroundings {
    pub env: Env,
    /// Trusted proxies, public URL, CORS origins.
    pub server: Server,
    pub wires: Wires,
    pub limiter: Limiter,
    /// Aggregates refusals by limits for the audit log.
    pub refusals: Refusals,
    pub tokens: Arc<dyn TokenCheck>,
    /// Paths exempt from the general limit: health, pages, documents, keys. What is below them and
    /// no path of the server is counted.
    pub uncounted: Vec<String>,
}

/// Wraps the router of all wires in the boundary.
pub fn boundary(
    inner: impl Endpoint + 'static,
    surroundings: Surroundings,
) -> impl Endpoint<Output = Response> + 'static {
    let server = &surroundings.server;
    Boundary {
        inner,
        cors: Cors::new(&server.cors_origins),
        refused_origins: RefusedOrigins::under(server),
        standard: Standard::over(Transport::of(server)),
        plain_http: PlainHttpRule::of(server),
        addresses: Addresses::new(server, surroundings.env.clone()),
        surroundings,
    }
}

struct Boundary<E> {
    inner: E,
    cors: Cors,
    refused_origins: RefusedOrigins,
    standard: Standard,
    plain_http: Option<PlainHttpRule>,
    addresses: Addresses,
    surroundings: Surroundings,
}

/// What the boundary keeps of a request while the router handles it.
struct RequestRecord {
    method: Method,
    path: String,
    route: RouteTemplateSlot,
    /// Whether the request names one host. Otherwise client and proxy may disagree about what
    /// follows on the connection, so it is closed.
    has_one_host: bool,
    origin: Option<HeaderValue>,
    /// False if a page of another site sent the request.
    may_set_cookies: bool,
    preflight: Option<Response>,
    request_id: String,
    meter: Meter,
    cookies: ResponseCookies,
    began: Time,
}

impl<E: Endpoint> Endpoint for Boundary<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let mut visit = self.receive(&mut request);
        let span = tracing::error_span!("request", id = %visit.request_id);
        let mut response = match visit.preflight.take() {
            Some(answer) => answer,
            None => match self.pass(request, &visit).instrument(span.clone()).await {
                Ok(response) => response,
                Err(error) => span.in_scope(|| self.render(&error, &visit)),
            },
        };
        visit.cookies.write(response.headers_mut());
        if !visit.may_set_cookies {
            response.headers_mut().remove(SET_COOKIE);
        }
        visit.meter.statuses().write(response.headers_mut());
        cors::mark(response.headers_mut(), visit.origin.take());
        self.standard.complete(response.headers_mut(), &visit.request_id);
        if !visit.has_one_host {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.log(&visit, &response);
        Ok(response)
    }
}

impl<E: Endpoint> Boundary<E> {
    /// Reads what the response needs from the request, and stores the [`Meter`] in it for handlers.
    fn receive(&self, request: &mut Request) -> RequestRecord {
        let Surroundings { env, limiter, refusals, .. } = &self.surroundings;
        let address = self.addresses.of(request);
        let request_id = request_id::choose(request.headers(), env);
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .map(|agent| cut(&String::from_utf8_lossy(agent.as_bytes())));
        let source = Source {
            address: Some(address),
            user_agent,
            request_id: Some(request_id.clone()),
            sender: RequestSender::Client,
            language: None,
            reason: None,
        };
        let meter = Meter::new(limiter.clone(), refusals.clone(), source);
        request.extensions_mut().insert(meter.clone());
        let (origin, began) = (self.cors.admit(request.headers()), env.now());
        self.refused_origins.note(request.headers(), origin.as_ref(), began);
        let cookies = ResponseCookies::default();
        request.extensions_mut().insert(cookies.clone());
        RequestRecord {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: RouteTemplateSlot::of(request),
            has_one_host: request.headers().get_all(HOST).iter().count() == 1,
            origin,
            // A GET begins nothing: its cookies only bind later forms to the browser.
            may_set_cookies: *request.method() == Method::GET
                || origin::may_set_cookies(request.headers(), &self.surroundings.server),
            preflight: self.cors.preflight(request.method(), request.headers()),
            request_id,
            meter,
            began,
            cookies,
        }
    }

    async fn pass(&self, mut request: Request, visit: &RequestRecord) -> Result<Response> {
        if !self.surroundings.uncounted.contains(&visit.path) {
            self.count(&mut request, visit).await?;
        }
        check_form(&request, visit)?;
        if let Some(rule) = &self.plain_http
            && let Some(redirect) = rule.check(&request)?
        {
            return Ok(redirect);
        }
        if request.method() == Method::HEAD {
            // hyper omits the body of the response and keeps its length.
            request.set_method(Method::GET);
        }
        match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
            Ok(Ok(response)) => Ok(response.into_response()),
            Ok(Err(error)) => Err(from_poem(error)),
            Err(_) => Err(Error::internal("panic in a request handler")),
        }
    }

    /// Counts the request. Stores the verified token in it, so that the bearer extractor need not
    /// verify it again. The higher limit is only for calls that need the token: any client can get
    /// one for an account of its own.
    async fn count(&self, request: &mut Request, visit: &RequestRecord) -> Result<()> {
        let Surroundings { tokens, wires, .. } = &self.surroundings;
        let token = bearer::token(request.headers()).ok();
        let Some(verified) = token.and_then(|token| tokens.check(token)) else {
            return visit.meter.count(Limit::General).await;
        };
        request.set_data(verified);
        if wires.needs_token(&visit.method, &visit.path) {
            visit.meter.count_with_token().await
        } else {
            visit.meter.count(Limit::General).await
        }
    }

    /// Renders an error in the envelope of the path's wire. This is the only place that logs its
    /// cause.
    fn render(&self, error: &Error, visit: &RequestRecord) -> Response {
        let Surroundings { env, wires, .. } = &self.surroundings;
        let wire = wires.of(&visit.path);
        let kind = error.kind();
        let status = wire.status_of(error);
        reject::log(error, status, &visit.request_id);
        let about = About { request_id: visit.request_id.clone(), now: env.now() };
        let body = if status.is_server_error() {
            wire.body(&constant(error), &about)
        } else {
            wire.body(error, &about)
        };
        let mut response = Response::builder().status(status).body(body.to_string());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        let again = error
            .retry_delay()
            .or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1)));
        if let Some(wait) = again {
            headers.insert(RETRY_AFTER, reject::retry_after(wait));
        }
        if kind == Kind::MethodNotAllowed
            && let Ok(allow) = HeaderValue::from_str(&wires.allow(&visit.path))
        {
            headers.insert(ALLOW, allow);
        }
        if wire.challenges(kind) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    fn log(&self, visit: &RequestRecord, response: &Response) {
        RequestLine {
            method: &visit.method,
            path: &visit.path,
            route: visit.route.template(),
            status: response.status(),
            took: self.surroundings.env.now().since(visit.began),
            client: visit.meter.source().address.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into()),
            request_id: &visit.request_id,
        }
        .write();
    }
}

/// Rejects requests that are malformed for every endpoint.
fn check_form(request: &Request, visit: &RequestRecord) -> Result<()> {
    let bad = |message| Err(Error::with(Kind::Validation, message));
    if !visit.has_one_host {
        return bad("Exactly one Host header is expected");
    }
    if request.headers().len() > MAX_HEADERS {
        return bad("At most 64 header fields are expected");
    }
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > MAX_URI {
        return bad("The URL is longer than 8192 bytes");
    }
    if !uri.path().starts_with('/') {
        return Err(Error::new(Kind::NotFound));
    }
    Ok(())
}

/// A 5xx body: the kind's fixed sentence and `Retry-After`, never the error's own message.
fn constant(error: &Error) -> Error {
    let shown = Error::new(error.kind());
    match error.retry_delay() {
        Some(wait) => shown.retry_after(wait),
        None => shown,
    }
}

/// As many whole characters as have room in [`MAX_USER_AGENT`] bytes.
fn cut(user_agent: &str) -> String {
    let mut length = 0;
    let has_room = |char: &char| {
        length += char.len_utf8();
        length <= MAX_USER_AGENT
    };
    user_agent.chars().filter(|char| !char.is_control()).take_while(has_room).collect()
}
