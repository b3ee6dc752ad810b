//! HTTP scenarios: raw bytes against a real port, with a wire made for these tests.

mod connections;
mod drain;
mod encrypted;
mod timeouts;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use authd::config::{Environment, Limits, Network, Rate, Server, Shape};
use authd::env::Env;
use authd::error::{Error, Kind, Limit};
use authd::http::limits::{Limiter, Meter};
use authd::http::server::boundary::{Surroundings, TokenCheck, boundary};
use authd::http::server::reject::{About, Reject, Wire};
use authd::http::server::wires::{Methods, Wires};
use authd::http::transport::connections::Connections;
use authd::http::transport::listener::{EndpointSwap, Listener};
use authd::http::transport::pace::Timeouts;
use authd::metrics::Metrics;
use authd::tls::ServedCertificate;
use poem::http::{Method, StatusCode};
use poem::web::{Data, Path};
use poem::{Route, get, handler, post};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A wire whose envelope is `{wire, code, message, id}`.
struct MadeUp(&'static str);

impl Wire for MadeUp {
    fn name(&self) -> &'static str {
        self.0
    }

    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::TokenInvalid | Kind::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn code(&self, _: Kind) -> Cow<'static, str> {
        "CODE".into()
    }

    fn body(&self, error: &Error, about: &About) -> Value {
        json!({"wire": self.0, "kind": format!("{:?}", error.kind()), "message": error.message(), "id": about.request_id})
    }

    fn schema(&self) -> Value {
        Value::Null
    }
}

struct Table;

impl Methods for Table {
    fn methods(&self, path: &str) -> Vec<Method> {
        if path == "/t/echo" { vec![Method::POST] } else { vec![Method::GET] }
    }

    fn needs_token(&self, method: &Method, path: &str) -> bool {
        method == Method::GET && path == "/t/hello"
    }
}

struct OneToken;

impl TokenCheck for OneToken {
    fn check(&self, token: &str) -> Option<authd::identity::access::caller::VerifiedToken> {
        (token == "good").then(crate::support::another_persons)
    }
}

#[handler]
fn hello() -> &'static str {
    "hello"
}

#[handler]
fn who(Data(meter): Data<&Meter>) -> String {
    let source = meter.source();
    format!("{:?} {:?} {:?}", source.address, source.user_agent, source.request_id)
}

#[handler]
async fn echo(body: poem::Body) -> poem::Result<String> {
    Ok(body.into_string().await?)
}

#[handler]
fn panicking() -> &'static str {
    panic!("hunter2")
}

#[handler]
fn refuse(Path(why): Path<String>) -> poem::Result<&'static str> {
    let error = match why.as_str() {
        "secret" => Error::with(Kind::Internal, "hunter2").caused_by("hunter2"),
        "busy" => Kind::Unavailable.into(),
        "token" => Kind::TokenInvalid.into(),
        _ => Kind::InvalidCredentials.into(),
    };
    Err(Reject(error).into())
}

#[handler]
async fn limited(Data(meter): Data<&Meter>) -> poem::Result<&'static str> {
    meter.count(Limit::SignUp).await.map_err(Reject)?;
    Ok("counted")
}

/// Responds after a delay.
#[handler]
async fn slowly() -> &'static str {
    tokio::time::sleep(Duration::from_millis(100)).await;
    "slow but whole"
}

#[handler]
fn big() -> Vec<u8> {
    vec![b'x'; 32 * 1024 * 1024]
}

fn routes() -> Route {
    Route::new()
        .at("/t/hello", get(hello))
        .at("/t/who", get(who))
        .at("/t/echo", post(echo))
        .at("/t/panic", get(panicking))
        .at("/t/refused/:why", get(refuse))
        .at("/t/limited", get(limited))
        .at("/t/slow", get(slowly))
        .at("/t/big", get(big))
        .at("/health", get(hello))
}

fn server() -> Server {
    Server {
        listen: ([127, 0, 0, 1], 0).into(),
        public_url: None,
        https: authd::config::HttpsPolicy::Redirect,
        wire: authd::config::WireName::V1,
        environment: Environment::Development,
        trusted_proxies: None,
        service_networks: None,
        service_hosts: vec![],
        reveal_secret_ends: false,
        cors_origins: vec!["https://app.example.com".into()],
        connections: 100,
        connections_client: 100,
        handshakes_client: 1000,
        body_limit: 65536,
    }
}

fn limits(general: u32) -> Limits {
    let rate = |count| Some(Rate { count, window: Duration::from_mins(15), shape: Shape::Window });
    Limits {
        general: rate(general),
        token_factor: 2,
        sign_in: None,
        sign_up: rate(1),
        refresh: None,
        resend: None,
        verify_email: None,
        forgot: None,
        reset: None,
        factor: None,
        code: None,
        factor_account: None,
        mail_address: None,
        mail_client: None,
    }
}

fn app(server: Server, limits: Limits) -> impl poem::Endpoint<Output = poem::Response> {
    let env = Env::real();
    let wires =
        Wires::new(Arc::new(MadeUp("root")), Arc::new(Table)).mount("/t", Arc::new(MadeUp("t")));
    let (limiter, tokens, uncounted) =
        (Limiter::new(limits, env.clone()), Arc::new(OneToken), vec!["/health".into()]);
    let refusals = authd::identity::audit::refusals::Refusals::new(env.clone(), Metrics::default());
    boundary(routes(), Surroundings { env, server, wires, limiter, refusals, tokens, uncounted })
}

/// A running listener.
struct Running {
    address: SocketAddr,
    swap: EndpointSwap,
    connections: Connections,
    metrics: Metrics,
    drain: oneshot::Sender<()>,
    abort: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start_with(server: Server, limits: Limits, timeouts: Timeouts) -> Running {
    start_showing(server, limits, timeouts, None).await
}

/// As [`start_with`], over TLS if there is a certificate.
async fn start_showing(
    server: Server,
    limits: Limits,
    timeouts: Timeouts,
    certificate: Option<ServedCertificate>,
) -> Running {
    let metrics = Metrics::default();
    let listener = Listener::bind(&server, timeouts, &Env::real(), &metrics).await.unwrap();
    let listener = listener.with_certificate(certificate);
    let address = listener.local_addr();
    let swap = EndpointSwap::new(app(server, limits));
    let connections = listener.connections();
    let (drain, drained) = oneshot::channel();
    let (abort, aborted) = oneshot::channel();
    let serving =
        listener.serve(swap.clone(), async { drop(drained.await) }, async { drop(aborted.await) });
    Running { address, swap, connections, metrics, drain, abort, task: tokio::spawn(serving) }
}

async fn start() -> Running {
    start_with(server(), limits(1000), Timeouts::default()).await
}

/// One raw response.
#[derive(Debug)]
struct Answer(String);

impl Answer {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.0.split("\r\n").skip(1).take_while(|line| !line.is_empty());
        lines
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    fn kind(&self) -> String {
        let body: Value = serde_json::from_str(self.body()).unwrap_or_default();
        format!("{} {}", body["wire"].as_str().unwrap_or("-"), body["kind"].as_str().unwrap_or("-"))
    }
}

impl Running {
    async fn open(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes the connection.
    async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.open().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        rest(&mut stream).await
    }

    /// One request on a separate connection; `more` are header lines with their line ends.
    async fn ask(&self, first: &str, more: &str) -> Answer {
        self.raw(format!("{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n"))
            .await
    }
}

async fn rest(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the response counts as an end.
    let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.unwrap();
    Answer(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_request_is_answered_with_id_and_headers() {
    let running = start().await;
    let answer = running.ask("GET /t/hello", "X-Request-ID: my-id.1\r\n").await;
    assert_eq!((answer.status(), answer.body()), (200, "hello"));
    for (name, value) in [
        ("x-request-id", "my-id.1"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("vary", "Origin"),
        ("x-ratelimit-limit", "1000"),
        ("x-ratelimit-remaining", "999"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("strict-transport-security"), None);
    let renamed = running.ask("GET /t/hello", "X-Request-ID: my id\r\n").await;
    assert_eq!(renamed.header("x-request-id").map(str::len), Some(36));
}

#[tokio::test]
async fn every_wrong_path_ends_in_the_envelope_of_its_wire() {
    let running = start().await;
    let long = format!("GET /t/{}", "a".repeat(8000));
    for (first, kind) in [
        ("GET /t/nothing", "t NotFound"),
        ("GET /t/%ff", "t NotFound"),
        ("GET /t/refused/%ff", "t NotFound"),
        ("GET /t/%00", "t NotFound"),
        ("GET /t/hello/", "t NotFound"),
        ("GET /nothing", "root NotFound"),
        ("GET /%ff", "root NotFound"),
        ("GET //", "root NotFound"),
        ("GET //t/hello", "root NotFound"),
        ("GET /tt", "root NotFound"),
        ("GET /../t/hello", "root NotFound"),
        ("OPTIONS *", "root NotFound"),
        ("CONNECT localhost:80", "root NotFound"),
        (&long, "t NotFound"),
    ] {
        let answer = running.ask(first, "").await;
        assert_eq!((answer.status(), answer.kind().as_str()), (404, kind), "{first}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8"),
            "{first}"
        );
        assert!(answer.body().contains(answer.header("x-request-id").unwrap()), "{first}");
    }
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let running = start().await;
    for (first, allow) in [
        ("GET /t/echo", "POST"),
        ("DELETE /t/hello", "GET, HEAD"),
        ("OPTIONS /t/hello", "GET, HEAD"),
    ] {
        let answer = running.ask(first, "").await;
        assert_eq!(
            (answer.status(), answer.kind().as_str()),
            (405, "t MethodNotAllowed"),
            "{first}"
        );
        assert_eq!(answer.header("allow"), Some(allow), "{first}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let running = start().await;
    let answer = running.ask("HEAD /t/hello", "").await;
    assert_eq!(
        (answer.status(), answer.header("content-length"), answer.body()),
        (200, Some("5"), "")
    );
}

#[tokio::test]
async fn a_panic_and_a_fault_tell_nothing_and_the_connection_lives_on() {
    let running = start().await;
    for path in ["/t/panic", "/t/refused/secret"] {
        let mut stream = running.open().await;
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .await
            .unwrap();
        stream
            .write_all(b"GET /t/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let both = rest(&mut stream).await;
        assert_eq!(both.status(), 500);
        assert!(both.0.contains("\"message\":\"Internal server error\""), "{path}");
        assert!(both.0.ends_with("hello"), "{path}");
        assert!(!both.0.contains("hunter2"), "{path}");
    }
}

#[tokio::test]
async fn a_refusal_carries_what_its_status_asks_for() {
    let running = start().await;
    let busy = running.ask("GET /t/refused/busy", "").await;
    assert_eq!((busy.status(), busy.header("retry-after")), (503, Some("1")));
    let token = running.ask("GET /t/refused/token", "").await;
    assert_eq!((token.status(), token.header("www-authenticate")), (401, Some("Bearer")));
    let login = running.ask("GET /t/refused/login", "").await;
    assert_eq!((login.status(), login.header("www-authenticate")), (401, None));
}

#[tokio::test]
async fn a_request_has_one_host() {
    let running = start().await;
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n"] {
        // The server closes the connection, whatever the client wants.
        let answer = running.raw(format!("GET /t/hello HTTP/1.1\r\n{hosts}\r\n")).await;
        assert_eq!(answer.header("connection"), Some("close"), "{hosts:?}");
        assert_eq!((answer.status(), answer.kind().as_str()), (400, "t Validation"), "{hosts:?}");
    }
    let old = running.raw("GET /t/hello HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.status(), 400);
}

#[tokio::test]
async fn what_is_no_request_gets_an_empty_answer_and_a_closed_connection() {
    let running = start().await;
    for bytes in [
        "GET /t/hello HTTP/1.1\r\nHost: a\r\nX-Folded: a\r\n b\r\n\r\n",
        "GET /t/hello HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /t/he llo HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{1}\u{2}\u{3}\r\n\r\n",
        "POST /t/echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ] {
        let answer = running.raw(bytes).await;
        assert_eq!((answer.status(), answer.body()), (400, ""), "{bytes:?}");
    }
    let second_version = running.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!second_version.0.starts_with("HTTP/1.1 2"), "{second_version:?}");
}

#[tokio::test]
async fn an_upgrade_to_the_second_version_is_not_served() {
    let running = start().await;
    let more = "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let answer = running.ask("GET /t/hello", more).await;
    assert_eq!((answer.status(), answer.body()), (200, "hello"));
}

#[tokio::test]
async fn headers_and_address_have_their_bounds() {
    let running = start().await;
    let lines = |count: usize| "X-One: 1\r\n".repeat(count);
    assert_eq!(running.ask("GET /t/hello", &lines(62)).await.status(), 200);
    assert_eq!(running.ask("GET /t/hello", &lines(63)).await.kind(), "t Validation");
    assert_eq!(running.ask("GET /t/hello", &lines(200)).await.status(), 431);
    let wide = format!("X-Wide: {}\r\n", "a".repeat(16 * 1024));
    assert_eq!(running.ask("GET /t/hello", &wide).await.status(), 431);
    let address = |bytes: usize| format!("GET /t/hello?{}", "a".repeat(bytes));
    assert_eq!(running.ask(&address(8000), "").await.status(), 200);
    assert_eq!(running.ask(&address(8200), "").await.kind(), "t Validation");
    assert_eq!(running.ask(&address(70_000), "").await.status() / 100, 4);
}

#[tokio::test]
async fn a_body_may_come_with_a_length_or_in_chunks() {
    let running = start().await;
    let chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n";
    assert_eq!(running.ask("POST /t/echo", chunked).await.body(), "abcde");
    let answer = running
        .raw(
            "POST /t/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        )
        .await;
    assert_eq!(answer.body(), "abc");
    let broken = running.ask("POST /t/echo", "Transfer-Encoding: chunked\r\n\r\nzz\r\n").await;
    assert_eq!((broken.status(), broken.kind().as_str()), (400, "t MalformedBody"));
}

#[tokio::test]
async fn a_body_that_is_not_read_costs_neither_the_answer_nor_the_connection() {
    let running = start().await;
    let body = "x".repeat(500_000);
    let first = format!(
        "POST /t/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let both =
        running.raw(first + "GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(both.status(), 404);
    assert!(both.0.ends_with("hello"));
    let expecting =
        "POST /t/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(running.raw(expecting).await.status(), 404);
}

#[tokio::test]
async fn two_requests_use_one_connection() {
    let running = start().await;
    let mut stream = running.open().await;
    for connection in ["keep-alive", "close"] {
        let request =
            format!("GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    assert_eq!(rest(&mut stream).await.0.matches("HTTP/1.1 200 OK").count(), 2);
}

#[tokio::test]
async fn the_general_limit_refuses_with_true_figures_and_spares_health() {
    let running = start_with(server(), limits(2), Timeouts::default()).await;
    for left in ["1", "0"] {
        assert_eq!(
            running.ask("GET /t/hello", "").await.header("x-ratelimit-remaining"),
            Some(left)
        );
    }
    let refused = running.ask("GET /t/hello", "").await;
    assert_eq!((refused.status(), refused.kind().as_str()), (429, "t TooMany(General)"));
    assert!(refused.body().contains("Too many requests. Try again in 15 minutes."));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((890..=900).contains(&wait), "{wait}");
    let health = running.ask("GET /health", "").await;
    assert_eq!((health.status(), health.header("x-ratelimit-limit")), (200, None));
    let preflight = "Origin: https://app.example.com\r\nAccess-Control-Request-Method: POST\r\n";
    let preflight = running.ask("OPTIONS /t/echo", preflight).await;
    assert_eq!((preflight.status(), preflight.header("x-ratelimit-limit")), (204, None));
    for _ in 0..4 {
        assert_eq!(
            running.ask("GET /t/hello", "Authorization: Bearer good\r\n").await.status(),
            200
        );
    }
    assert_eq!(running.ask("GET /t/hello", "Authorization: Bearer good\r\n").await.status(), 429);
    assert_eq!(running.ask("GET /t/hello", "Authorization: Bearer bad\r\n").await.status(), 429);
}

#[tokio::test]
async fn the_headers_tell_of_the_limit_nearest_to_its_end() {
    let running = start().await;
    let first = running.ask("GET /t/limited", "").await;
    assert_eq!((first.status(), first.header("x-ratelimit-limit")), (200, Some("1")));
    let second = running.ask("GET /t/limited", "").await;
    assert_eq!((second.status(), second.kind().as_str()), (429, "t TooMany(SignUp)"));
    assert_eq!(
        (second.header("x-ratelimit-limit"), second.header("x-ratelimit-remaining")),
        (Some("1"), Some("0"))
    );
}

#[tokio::test]
async fn a_listed_page_may_call_and_no_other() {
    let running = start().await;
    let preflight =
        |origin: &str| format!("Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n");
    let answer = running.ask("OPTIONS /t/echo", &preflight("https://app.example.com")).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    let answer = running.ask("OPTIONS /t/echo", &preflight("https://evil.example")).await;
    assert_eq!((answer.status(), answer.header("access-control-allow-origin")), (204, None));
    let missing = running.ask("GET /t/nothing", "Origin: https://app.example.com\r\n").await;
    assert!(missing.header("access-control-allow-origin").is_some(), "errors can be read too");
}

#[tokio::test]
async fn the_client_is_who_a_trusted_proxy_says() {
    let more =
        "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\nUser-Agent: test\r\nX-Request-ID: r1\r\n";
    let untrusting = start().await;
    assert!(untrusting.ask("GET /t/who", more).await.body().starts_with("Some(127.0.0.1)"));
    let loopback = Network { address: [127, 0, 0, 0].into(), bits: 8 };
    let trusting = Server { trusted_proxies: Some(vec![loopback]), ..server() };
    let trusting = start_with(trusting, limits(1000), Timeouts::default()).await;
    let answer = trusting.ask("GET /t/who", more).await;
    assert_eq!(answer.body(), "Some(198.51.100.7) Some(\"test\") Some(\"r1\")");
}
