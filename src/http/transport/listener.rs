//! The port: accepts connections, completes their TLS handshake if the server has a certificate,
//! reads HTTP/1.1 (or HTTP/2, see `http2`) within limits, passes requests to the current endpoint,
//! and drains on shutdown.
//!
//! Input that is not an HTTP request gets hyper's empty 4xx response, and the connection is closed.
//! The endpoint answers everything else.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use poem::endpoint::{DynEndpoint, ToDynEndpoint};
use poem::http::header::{CONNECTION, CONTENT_TYPE, EXPECT};
use poem::http::uri::Scheme;
use poem::http::{HeaderMap, HeaderValue};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Endpoint, Request, RequestParts, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::config::Server;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::http::transport::connections::{ConnectionPlace, Connections};
use crate::http::transport::framing::BodyLength;
use crate::http::transport::handshake;
use crate::http::transport::pace::{
    ConnectionProgress, Pace, Paced, PacedBody, Timeouts, UnderWay, Unread,
};
use crate::metrics::Metrics;
use crate::tls::{HttpVersion, ServedCertificate};

/// Maximum size of a request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// Maximum number of bytes that a connection buffers.
const MAX_BUFFER: usize = 32 * 1024;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

type AppEndpoint = dyn DynEndpoint<Output = Response>;

/// An endpoint that can be replaced while the server runs. A request keeps the endpoint it started
/// with.
#[derive(Clone)]
pub struct EndpointSwap(Arc<CurrentEndpoint>);

struct CurrentEndpoint {
    /// How many times the endpoint was replaced.
    generation: AtomicU64,
    app: RwLock<Arc<AppEndpoint>>,
}

impl EndpointSwap {
    /// Starts with this endpoint.
    pub fn new(endpoint: impl Endpoint<Output = Response> + 'static) -> Self {
        Self(Arc::new(CurrentEndpoint {
            generation: AtomicU64::new(0),
            app: RwLock::new(Arc::new(ToDynEndpoint(endpoint))),
        }))
    }

    /// Uses this endpoint for all new requests.
    pub fn replace(&self, endpoint: impl Endpoint<Output = Response> + 'static) {
        let mut app = self.0.app.write().unwrap_or_else(PoisonError::into_inner);
        *app = Arc::new(ToDynEndpoint(endpoint));
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    fn current(&self) -> PinnedEndpoint {
        let app = self.0.app.read().unwrap_or_else(PoisonError::into_inner);
        PinnedEndpoint { generation: self.generation(), app: Arc::clone(&app) }
    }
}

/// An endpoint and its generation.
struct PinnedEndpoint {
    generation: u64,
    app: Arc<AppEndpoint>,
}

/// A connection's cached endpoint, so that requests need not take the lock that all connections
/// share.
struct EndpointCache {
    swap: EndpointSwap,
    between: Mutex<Option<PinnedEndpoint>>,
}

impl EndpointCache {
    fn of(swap: EndpointSwap) -> Self {
        Self { swap, between: Mutex::new(None) }
    }

    /// Takes the current endpoint for a request.
    fn take(&self) -> PinnedEndpoint {
        let held = self.between.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.filter(|held| held.generation == self.swap.generation())
            .unwrap_or_else(|| self.swap.current())
    }

    /// Keeps the endpoint for the next request.
    fn keep(&self, held: PinnedEndpoint) {
        *self.between.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }
}

/// A bound TCP port.
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    connections: Connections,
    timeouts: Timeouts,
    certificate: Option<ServedCertificate>,
}

/// Says what an operator can do about the address.
fn cannot_listen(server: &Server, error: io::Error) -> Error {
    let address = server.listen;
    let mend = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            ": another program uses that port. `ss -ltnp 'sport = :{}'` names it; --listen or server.listen \
             sets another address",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            ": this machine does not have that address. --listen or server.listen sets another"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            ": ports below 1024 take a privilege. --listen or server.listen sets another address"
                .to_owned()
        }
        _ => String::new(),
    };
    Error::refused(format!("cannot listen on {address}{mend}")).caused_by(error)
}

impl Listener {
    /// Binds the configured address. The error names the address.
    pub async fn bind(
        server: &Server,
        timeouts: Timeouts,
        env: &Env,
        metrics: &Metrics,
    ) -> Result<Self> {
        let failed = |e| cannot_listen(server, e);
        let socket = TcpListener::bind(server.listen).await.map_err(failed)?;
        let local_addr = socket.local_addr().map_err(failed)?;
        let connections = Connections::new(server, env, metrics);
        Ok(Self { socket, local_addr, connections, timeouts, certificate: None })
    }

    /// Speaks TLS with this certificate; plain HTTP with none.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<ServedCertificate>) -> Self {
        Self { certificate, ..self }
    }

    /// Checks that the configured address is free, before a first start makes any file.
    ///
    /// # Errors
    /// As those of [`Listener::bind`].
    pub async fn check_address(server: &Server) -> Result<()> {
        TcpListener::bind(server.listen).await.map(drop).map_err(|e| cannot_listen(server, e))
    }

    /// The bound address, with the actual port if port 0 was configured.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Its connections, to apply a new configuration.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Serves until `drain` completes, then waits for requests in progress until the drain timeout
    /// is over or `abort` completes.
    pub async fn serve(
        self,
        app: EndpointSwap,
        drain: impl Future<Output = ()> + Send,
        abort: impl Future<Output = ()> + Send,
    ) {
        let graceful = GracefulShutdown::new();
        let (drains, draining) = watch::channel(());
        let mut tasks = tokio::task::JoinSet::new();
        let mut drain = pin!(drain);
        // Kept while connections end, so that a pause after a failed accept is not cut short.
        let mut accepting = Box::pin(accept(&self.socket, &self.connections));
        loop {
            let (stream, peer, place) = tokio::select! {
                biased;
                () = &mut drain => break,
                Some(_) = tasks.join_next() => continue,
                accepted = &mut accepting => accepted,
            };
            accepting.set(accept(&self.socket, &self.connections));
            let connection = Connection {
                app: EndpointCache::of(app.clone()),
                local: LocalAddr(Addr::socket(self.local_addr)),
                remote: RemoteAddr(Addr::socket(peer)),
                timeouts: self.timeouts,
                progress: ConnectionProgress::new(place),
                ends: AtomicBool::new(false),
                scheme: if self.certificate.is_some() { Scheme::HTTPS } else { Scheme::HTTP },
                draining: draining.clone(),
            };
            tasks.spawn(connection.serve(stream, self.certificate.clone(), graceful.watcher()));
        }
        drop(accepting);
        drop(self.socket);
        drop(drains);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = tokio::time::sleep(self.timeouts.drain) => tracing::warn!("drain timeout: aborting requests"),
            () = abort => tracing::warn!("stopped before all requests had finished"),
        }
        tasks.shutdown().await;
    }
}

/// Accepts the next connection that has a place. If the system has no resources for it, this waits
/// instead of spinning.
async fn accept(
    socket: &TcpListener,
    connections: &Connections,
) -> (TcpStream, SocketAddr, ConnectionPlace) {
    let mut pause = FIRST_PAUSE;
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                if let Some(place) = connections.admit(peer.ip()).await {
                    return (stream, peer, place);
                }
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection; retrying in {} ms", pause.as_millis());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Whether the peer closed the connection before it was accepted. Then accept can be retried
/// immediately.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Multipart bodies are uploads and get more time, because they may be large.
fn pace(headers: &HeaderMap) -> Pace {
    let form = headers.get(CONTENT_TYPE).and_then(|value| value.as_bytes().get(..10));
    if form.is_some_and(|form| form.eq_ignore_ascii_case(b"multipart/")) {
        Pace::Pieces
    } else {
        Pace::Whole
    }
}

pub(super) fn body_length(body: &Incoming) -> BodyLength {
    body.size_hint().exact().map_or(BodyLength::Chunked, BodyLength::Exact)
}

/// A connection, with all that its requests need.
pub(super) struct Connection {
    app: EndpointCache,
    local: LocalAddr,
    remote: RemoteAddr,
    pub(super) timeouts: Timeouts,
    pub(super) progress: Arc<ConnectionProgress>,
    /// Whether the connection ends after the current request.
    ends: AtomicBool,
    scheme: Scheme,
    /// Its sender is dropped when the server drains.
    pub(super) draining: watch::Receiver<()>,
}

impl Connection {
    /// Completes the handshake if there is a certificate, and serves the requests of the connection.
    /// A drain waits until its watcher is dropped.
    async fn serve(
        self,
        stream: TcpStream,
        certificate: Option<ServedCertificate>,
        watcher: Watcher,
    ) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Some(certificate) = certificate else { return self.serve_http1(stream, watcher).await };
        // Until the handshake is over the connection is idle, and is closed for a new one.
        let shaken = tokio::select! {
            biased;
            () = self.progress.place().closing() => return,
            () = until_closed(self.draining.clone()) => return,
            shaken = handshake::complete(
                stream,
                self.progress.place(),
                &certificate,
                self.timeouts.handshake,
            ) => shaken,
        };
        drop(certificate);
        match shaken {
            Some(encrypted) if encrypted.http == HttpVersion::Http2 => {
                Arc::new(self).serve_http2(encrypted.stream, watcher).await;
            }
            Some(encrypted) => {
                self.serve_http1(encrypted.stream, watcher).await;
            }
            None => {}
        }
    }

    async fn serve_http1(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        watcher: Watcher,
    ) {
        let io = TokioIo::new(Paced::new(stream, self.progress.clone(), self.timeouts));
        let this = &self;
        let service = service_fn(|request: hyper::Request<Incoming>| {
            // Noted before the bytes behind the head are read.
            let under_way = this.progress.begin(body_length(request.body()));
            async move { Ok::<_, Infallible>(this.answer(request, under_way).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.timeouts.idle)
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_BUFFER)
            .serve_connection(io, service);
        let mut serving = pin!(watcher.watch(connection));
        let served = tokio::select! {
            biased;
            served = &mut serving => served,
            () = self.progress.place().closing() => {
                if !self.progress.is_busy() {
                    return;
                }
                // The request that has just begun is still answered.
                self.ends.store(true, Ordering::Relaxed);
                self.progress.place().postpone();
                serving.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "connection closed early");
        }
    }

    /// Passes a request to the current endpoint.
    pub(super) async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        under_way: UnderWay,
    ) -> hyper::Response<ResponseBody> {
        let (parts, body) = request.into_parts();
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            let unread = if parts.headers.contains_key(EXPECT) {
                Unread::Refused
            } else {
                Unread::Discarded
            };
            Body::from(BoxBody::new(PacedBody::new(
                body,
                self.timeouts,
                pace(&parts.headers),
                unread,
            )))
        };
        let parts = RequestParts::from((
            parts,
            self.local.clone(),
            self.remote.clone(),
            self.scheme.clone(),
        ));
        let held = self.app.take();
        let response = held.app.call(Request::from_parts(parts, body)).await;
        self.app.keep(held);
        // The boundary renders every error, so an error here has no body to show.
        let mut response =
            response.unwrap_or_else(|_| poem::http::StatusCode::INTERNAL_SERVER_ERROR.into());
        if self.ends.load(Ordering::Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let response: hyper::Response<BoxBody<Bytes, io::Error>> = response.into();
        response.map(|body| ResponseBody { body, _under_way: under_way })
    }
}

/// Completes when the sender is dropped.
pub(super) async fn until_closed(mut channel: watch::Receiver<()>) {
    while channel.changed().await.is_ok() {}
}

/// The body of a response. Its request is in progress until all of it is written.
pub(super) struct ResponseBody {
    body: BoxBody<Bytes, io::Error>,
    _under_way: UnderWay,
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
