//! HTTP/2 (RFC 9113) on an encrypted connection, within limits of streams, memory and time. Requests
//! reach the endpoint in the form that those of HTTP/1.1 have.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use poem::http::header::{CONNECTION, COOKIE, HOST};
use poem::http::{HeaderMap, HeaderValue, Uri, request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::http::transport::listener::{Connection, ResponseBody, body_length, until_closed};
use crate::http::transport::pace::ConnectionProgress;

/// The largest number of simultaneous requests of one connection.
const MAX_STREAMS: u32 = 32;
/// The bytes that a client may send ahead on one stream, and on all streams of a connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// The bytes of a response that are buffered for a client that does not read them.
const MAX_UNSENT: usize = 64 * 1024;
/// The largest size of a request's header fields, in bytes.
const MAX_FIELDS: u32 = 16 * 1024;
/// Requests that a client cancelled before they were accepted (CVE-2023-44487).
const MAX_CANCELLED: usize = 20;
/// How long a client may take to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

impl Connection {
    /// Serves the requests of a connection that speaks HTTP/2. A drain waits for `_watcher`.
    pub(super) async fn serve_http2(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        _watcher: Watcher,
    ) {
        let responses = Arc::new(ResponsesInProgress::default());
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let under_way = self.progress.begin(body_length(request.body()));
            let (this, responses) = (self.clone(), responses.clone());
            async move {
                let response = this.answer(in_form_of_http1(request), under_way).await;
                Ok::<_, Infallible>(responses.follow(response))
            }
        });
        let mut connection = pin!(
            http2::Builder::new(StreamTasks::default())
                .timer(TokioTimer::new())
                .max_concurrent_streams(MAX_STREAMS)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_send_buf_size(MAX_UNSENT)
                .max_header_list_size(MAX_FIELDS)
                .max_pending_accept_reset_streams(MAX_CANCELLED)
                .keep_alive_interval(self.timeouts.write)
                .keep_alive_timeout(PING_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut watchdog = Watchdog::new(self.timeouts.idle, self.timeouts.write);
        let mut drained = pin!(until_closed(self.draining.clone()));
        let place = self.progress.place();
        loop {
            let step = tokio::select! {
                biased;
                served = connection.as_mut() => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "connection closed early");
                    }
                    return;
                }
                () = place.closing() => if self.progress.is_busy() {
                    // The requests that have just begun are still answered.
                    place.postpone();
                    ConnectionStep::Finish
                } else {
                    ConnectionStep::Close
                },
                () = &mut drained, if !watchdog.is_finishing => ConnectionStep::Finish,
                step = watchdog.next(&self.progress, &responses) => step,
            };
            match step {
                ConnectionStep::GoOn => {}
                ConnectionStep::Finish => {
                    watchdog.is_finishing = true;
                    connection.as_mut().graceful_shutdown();
                }
                ConnectionStep::Close => return,
            }
        }
    }
}

/// What happens to a connection next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionStep {
    GoOn,
    /// It takes no more requests, and ends after those in progress.
    Finish,
    Close,
}

/// Ends connections without requests, and those whose client reads no response. hyper has a timer for
/// neither.
struct Watchdog {
    ticks: tokio::time::Interval,
    period: Duration,
    limit: Duration,
    idle: Duration,
    is_finishing: bool,
}

impl Watchdog {
    fn new(idle: Duration, write: Duration) -> Self {
        let period = write.min(idle);
        let mut ticks = tokio::time::interval(period);
        ticks.reset();
        Self { ticks, period, limit: idle, idle: Duration::ZERO, is_finishing: false }
    }

    async fn next(
        &mut self,
        progress: &ConnectionProgress,
        responses: &ResponsesInProgress,
    ) -> ConnectionStep {
        self.ticks.tick().await;
        if progress.is_busy() {
            self.idle = Duration::ZERO;
            let is_stalled = responses.is_stalled();
            return if is_stalled { ConnectionStep::Close } else { ConnectionStep::GoOn };
        }
        self.idle += self.period;
        match self.idle >= self.limit {
            _ if self.is_finishing => ConnectionStep::Close,
            true => ConnectionStep::Finish,
            false => ConnectionStep::GoOn,
        }
    }
}

/// The responses that are being written on a connection, and whether any of them goes on.
#[derive(Default)]
struct ResponsesInProgress {
    count: AtomicUsize,
    moved: AtomicBool,
}

impl ResponsesInProgress {
    fn follow(
        self: &Arc<Self>,
        mut response: hyper::Response<ResponseBody>,
    ) -> hyper::Response<FollowedBody> {
        // HTTP/2 has no such field (RFC 9113, section 8.2.2).
        response.headers_mut().remove(CONNECTION);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.moved.store(true, Ordering::Relaxed);
        response.map(|body| FollowedBody { body, responses: self.clone() })
    }

    /// Whether responses are being written and none has moved since the last call.
    fn is_stalled(&self) -> bool {
        let moved = self.moved.swap(false, Ordering::Relaxed);
        !moved && self.count.load(Ordering::Relaxed) > 0
    }
}

/// The body of a response, which notes that it is read.
struct FollowedBody {
    body: ResponseBody,
    responses: Arc<ResponsesInProgress>,
}

impl Drop for FollowedBody {
    fn drop(&mut self) {
        self.responses.count.fetch_sub(1, Ordering::Relaxed);
        self.responses.moved.store(true, Ordering::Relaxed);
    }
}

impl Body for FollowedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        self.responses.moved.store(true, Ordering::Relaxed);
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The tasks of a connection's streams. They end with the connection.
#[derive(Clone, Default)]
struct StreamTasks(Arc<Mutex<JoinSet<()>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamTasks {
    fn execute(&self, task: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// Gives a request the form that one of HTTP/1.1 has: a path, one `Host` and one `Cookie`.
fn in_form_of_http1(request: hyper::Request<Incoming>) -> hyper::Request<Incoming> {
    let (mut parts, body) = request.into_parts();
    name_host(&mut parts);
    join_cookies(&mut parts.headers);
    hyper::Request::from_parts(parts, body)
}

/// Moves the authority from the target to `Host`. If there is another `Host`, both stay, and the
/// request is refused for having two.
fn name_host(parts: &mut request::Parts) {
    if let Some(authority) = parts.uri.authority() {
        let is_same = |host: &HeaderValue| {
            host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
        };
        let is_named = parts.headers.get(HOST).is_some_and(is_same);
        if !is_named && let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            parts.headers.append(HOST, host);
        }
    }
    if let Some(path) = parts.uri.path_and_query().cloned() {
        parts.uri = Uri::from(path);
    }
}

/// Joins cookies that came in several fields (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(mut joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        joined.set_sensitive(true);
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, fields: &[(&str, &str)]) -> request::Parts {
        let mut request = hyper::Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        name_host(&mut parts);
        join_cookies(&mut parts.headers);
        parts
    }

    fn values(parts: &request::Parts, name: &str) -> Vec<String> {
        let values = parts.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_authority_becomes_the_host() {
        for fields in [&[][..], &[("host", "ID.example.com")]] {
            let parts = parts("https://id.example.com/v1/me?x=1", fields);
            assert_eq!(parts.uri, "/v1/me?x=1");
            assert_eq!(values(&parts, "host").len(), 1);
        }
        let two = parts("https://id.example.com/", &[("host", "other.example.com")]);
        assert_eq!(values(&two, "host"), ["other.example.com", "id.example.com"]);
    }

    #[test]
    fn crumbs_of_cookies_are_joined() {
        let parts = parts("https://a/", &[("cookie", "a=1"), ("cookie", "b=2; c=3")]);
        assert_eq!(values(&parts, "cookie"), ["a=1; b=2; c=3"]);
    }
}
