//! The calls under `/test`.

use std::future::Future;
use std::sync::Arc;

use askama::Template;
use poem::http::header::{CONTENT_TYPE, VARY};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response, endpoint};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::mailbox::{self, TestMessage};
use super::users::{self, NewUser};
use super::{TestMode, shown};
use crate::app::MoreRoutes;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::http::extract::{accept, origin, strict_json};
use crate::http::limits::{Limiter, Meter};
use crate::http::server::paths::Paths;
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::identity::system::key_reload;
use crate::model::{Source, Time};
use crate::store;

/// The paths of all calls.
pub const PATHS: [&str; 4] = ["/test", "/test/mails", "/test/clock", "/test/users"];

/// The largest body, in bytes.
const LARGEST: usize = 64 * 1024;

/// What the calls work on.
struct TestApi {
    mode: TestMode,
    core: Arc<Core>,
    limiter: Limiter,
}

/// The routes of all calls.
pub(super) fn routes(mode: &TestMode, core: &Arc<Core>, limiter: &Limiter) -> MoreRoutes {
    let [all, mails, clock, users] = PATHS;
    let (mode, core, limiter) = (mode.clone(), core.clone(), limiter.clone());
    let api = Arc::new(TestApi { mode, core, limiter });
    let path =
        |paths: Paths, path: &str, methods: &[Method]| paths.with([path.to_owned()], methods);
    let paths = path(Paths::default(), all, &[Method::DELETE]);
    let paths = path(paths, mails, &[Method::GET, Method::DELETE]);
    let paths = path(paths, clock, &[Method::GET, Method::POST, Method::PATCH]);
    let paths = path(paths, users, &[Method::POST]);
    MoreRoutes {
        routes: Routes::default()
            .at(all, at(&api, |api, request| async move { api.all(&request).await }))
            .at(mails, at(&api, |api, request| async move { api.mails(&request).await }))
            .at(clock, at(&api, |api, request| async move { api.clock(request).await }))
            .at(users, at(&api, |api, request| async move { api.users(request).await })),
        paths,
        uncounted: PATHS.map(str::to_owned).to_vec(),
    }
}

/// An endpoint that no page of a foreign origin may call.
fn at<F, W>(api: &Arc<TestApi>, call: F) -> impl Endpoint<Output = Response> + use<F, W>
where
    F: Fn(Arc<TestApi>, Request) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Response>> + Send + 'static,
{
    let (api, call) = (api.clone(), Arc::new(call));
    endpoint::make(move |request: Request| {
        let (api, call) = (api.clone(), call.clone());
        async move {
            origin::check(&request, &api.core.config).map_err(Reject)?;
            Ok::<_, poem::Error>(call(api, request).await.map_err(Reject)?)
        }
    })
}

fn wrong_method<T>() -> Result<T> {
    Err(Kind::MethodNotAllowed.into())
}

fn json(value: &impl Serialize) -> Result<Response> {
    with_status(StatusCode::OK, value)
}

fn with_status(status: StatusCode, value: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(value)
        .map_err(|error| Error::internal("writing a response").caused_by(error))?;
    Ok(Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(body))
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into()
}

/// The body of a request; an empty one counts as `{}`.
async fn body<T: DeserializeOwned>(request: &mut Request) -> Result<T> {
    let bytes = request.take_body().into_bytes_limit(LARGEST).await;
    let bytes = bytes.map_err(|_| Error::new(Kind::PayloadTooLarge))?;
    let fields =
        if bytes.is_empty() { serde_json::Map::new() } else { strict_json::parse_object(&bytes)? };
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| Error::with(Kind::Validation, error.to_string()))
}

/// The filter of the mailbox.
#[derive(Deserialize)]
struct MailFilter {
    to: Option<String>,
}

/// How to move the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    /// A duration such as `15m`.
    advance: Option<String>,
    /// A time in RFC 3339.
    set: Option<String>,
}

/// The mailbox for people.
#[derive(Template)]
#[template(path = "test/mails.html")]
struct MailsView {
    messages: Vec<TestMessage>,
}

impl TestApi {
    /// `DELETE`: as after the start.
    async fn all(&self, request: &Request) -> Result<Response> {
        if request.method() != Method::DELETE {
            return wrong_method();
        }
        let core = &self.core;
        mailbox::settle(&core.store).await?;
        core.store
            .write(|db| {
                store::tables::erasure::clear(db)?;
                // The roles in memory are those of before.
                store::tables::keys::raise_epoch(db)
            })
            .await?;
        key_reload::reload(core).await?;
        self.limiter.clear();
        self.mode.mailbox.clear(None);
        self.mode.clock.reset();
        Ok(done())
    }

    /// `GET`: the mailbox, once what is on its way has arrived. `DELETE`: empties it.
    async fn mails(&self, request: &Request) -> Result<Response> {
        let filter: MailFilter = request
            .params()
            .map_err(|_| Error::with(Kind::Validation, "Expected ?to=ADDRESS or no query"))?;
        let to = filter.to.as_deref();
        match *request.method() {
            Method::GET => {
                mailbox::settle(&self.core.store).await?;
                let messages = self.mode.mailbox.list(to);
                if accept::names_html(request.headers()) { page(messages) } else { json(&messages) }
            }
            Method::DELETE => {
                mailbox::settle(&self.core.store).await?;
                self.mode.mailbox.clear(to);
                Ok(done())
            }
            _ => wrong_method(),
        }
    }

    /// `GET`: the time. `POST` and `PATCH`: moves the clock forward.
    async fn clock(&self, mut request: Request) -> Result<Response> {
        match *request.method() {
            Method::GET => {}
            Method::POST | Method::PATCH => {
                let change: ClockChange = body(&mut request).await?;
                self.move_clock(&change)?;
            }
            _ => return wrong_method(),
        }
        json(&json!({
            "now": shown(self.core.env.wall()),
            "aheadSeconds": self.mode.clock.ahead().as_secs_f64(),
        }))
    }

    fn move_clock(&self, change: &ClockChange) -> Result<()> {
        let wrong = |message| Error::with(Kind::Validation, message);
        match (change.advance.as_deref(), change.set.as_deref()) {
            (Some(span), None) => {
                let span = config::parse_duration(span);
                let span =
                    span.ok_or_else(|| wrong("Expected \"advance\": \"15m\" or \"30 days\""))?;
                self.mode.clock.advance(span)
            }
            (None, Some(time)) => {
                let time: jiff::Timestamp = time
                    .parse()
                    .map_err(|_| wrong("Expected \"set\": \"2030-01-31T12:00:00Z\""))?;
                self.mode.clock.set(Time::from_millis(time.as_millisecond()))
            }
            _ => Err(wrong("Expected either \"advance\" or \"set\"")),
        }
    }

    /// `POST`: creates a user.
    async fn users(&self, mut request: Request) -> Result<Response> {
        if request.method() != Method::POST {
            return wrong_method();
        }
        let new: NewUser = body(&mut request).await?;
        let meter = request.extensions().get::<Meter>();
        let source = meter.map_or_else(Source::command_line, |meter| meter.source().clone());
        let made = users::create(&self.core, new, &source).await?;
        // What its creation mailed is not what a test waits for.
        mailbox::settle(&self.core.store).await?;
        self.mode.mailbox.clear(Some(made.email()));
        with_status(StatusCode::CREATED, &made)
    }
}

fn page(messages: Vec<TestMessage>) -> Result<Response> {
    let html = MailsView { messages }
        .render()
        .map_err(|error| Error::internal("failed to render a page").caused_by(error))?;
    Ok(Response::builder()
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(VARY, "Accept")
        .body(html))
}
