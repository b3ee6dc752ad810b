//! Shared by the scenarios: the real program in-process, on a temporary database, with a manual
//! clock and a mailer that collects letters. Everything else is what `authd serve` runs.

mod randomness;

use std::ops::Deref;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::config::{self, Config};
use authd::env::{Env, HandClock, Later};
use authd::http::limits::Limiter;
use authd::http::transport::listener::{EndpointSwap, Listener};
use authd::http::transport::pace::Timeouts;
use authd::identity::access::api_client as api_clients;
use authd::identity::access::caller::VerifiedToken;
use authd::identity::audit::log;
use authd::identity::audit::log::{AuditFilter, AuditRow, From};
use authd::identity::{By, Core};
use authd::mail::{Mail, Mailer};
use authd::model::app::ApiClientKind;
use authd::model::{AccountId, Secret, SessionId, Time};
use authd::outbox::{Delivery, Worker};
use authd::store::ProcessRole;
use poem::endpoint::{DynEndpoint, ToDynEndpoint};
use poem::http::uri::Scheme;
use poem::http::{HeaderMap, Method, StatusCode};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Request, RequestParts, Response};
use serde_json::{Value, json};

use self::randomness::CountedRandom;
use crate::cluster;
use crate::cluster::TestDatabase;
use crate::database::RawDatabase;

/// A password that every profile accepts.
pub const PASSWORD: &str = "Tr0ub4dor&3-plaice";
/// The start time of every scenario's clock.
pub const START: i64 = 1_800_000_000_000;

/// Accepts and stores every letter.
#[derive(Default)]
pub struct Collector {
    mails: Mutex<Vec<Mail>>,
}

impl Mailer for Collector {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        self.mails.lock().unwrap().push(mail.clone());
        Box::pin(std::future::ready(Delivery::Delivered))
    }

    fn is_configured(&self) -> bool {
        true
    }
}

/// The program as a scenario sees it.
pub struct App {
    pub core: Arc<Core>,
    pub clock: Arc<HandClock>,
    pub dir: Arc<tempfile::TempDir>,
    random: Arc<CountedRandom>,
    endpoint: Arc<dyn DynEndpoint<Output = Response>>,
    collector: Arc<Collector>,
    worker: Worker,
    /// Its database, if the scenarios run on PostgreSQL. Dropped last.
    server: Option<Arc<TestDatabase>>,
}

/// The master key of a scenario on PostgreSQL, which makes none up.
const MASTER_KEY: &str = "8f7d6c5b4a39281706f5e4d3c2b1a0998f7d6c5b4a39281706f5e4d3c2b1a099";

/// A new database, if the scenarios run on PostgreSQL.
fn server_database() -> Option<Arc<TestDatabase>> {
    let cluster = cluster::is_wanted().then(|| cluster::shared("scenarios on PostgreSQL"))?;
    Some(Arc::new(cluster.expect("AUTHD_TEST_ENGINE=postgres needs PostgreSQL").database()))
}

/// For scenarios that are not about limits.
pub const UNLIMITED: [(&str, &str); 11] = [
    ("limits.general", "off"),
    ("limits.sign_up", "off"),
    ("limits.sign_in", "off"),
    ("limits.refresh", "off"),
    ("limits.resend", "off"),
    ("limits.verify_email", "off"),
    ("limits.forgot", "off"),
    ("limits.reset", "off"),
    ("limits.factor", "off"),
    ("limits.code", "off"),
    ("limits.factor_account", "off"),
];

/// [`UNLIMITED`], but with these settings, which may set one of its limits.
pub fn unlimited_but<'a>(set: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let is_set = |limit: &str| {
        set.iter().any(|(key, _)| key.strip_prefix(limit).is_some_and(|rest| rest.starts_with('.')))
    };
    UNLIMITED.into_iter().filter(|(limit, _)| !is_set(limit)).chain(set.iter().copied()).collect()
}

/// For scenarios in which one client causes many letters.
pub const UNLIMITED_MAIL: [(&str, &str); 2] =
    [("limits.mail_address", "off"), ("limits.mail_client", "off")];

/// For scenarios in which one client sends many wrong passwords.
pub const UNTHROTTLED: [(&str, &str); 1] = [("throttle.enabled", "false")];

/// The profile `standard`.
pub async fn app() -> App {
    app_with("standard", &[]).await
}

/// A profile with some keys set.
pub async fn app_with(profile: &str, set: &[(&str, &str)]) -> App {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let clock = Arc::new(HandClock::at(Time::from_millis(START)));
    open(profile, set, dir, clock, server_database()).await
}

/// A profile with some keys set, on the files that `prepare` puts into its folder, at this time.
pub async fn app_on(set: &[(&str, &str)], now: i64, prepare: impl FnOnce(&std::path::Path)) -> App {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    prepare(dir.path());
    let clock = Arc::new(HandClock::at(Time::from_millis(now)));
    open("standard", set, dir, clock, None).await
}

/// The effective configuration of a scenario: a profile, cheap hashing, and some keys set.
pub fn config(profile: &str, set: &[(&str, &str)], dir: &std::path::Path) -> Config {
    let db = dir.join("authd.db").to_str().unwrap().to_owned();
    let cheap = [
        ("db", db.as_str()),
        ("profile", profile),
        ("hashing.memory", "8"),
        ("hashing.passes", "1"),
        ("hashing.threads", "2"),
    ];
    let flags = cheap
        .iter()
        .chain(set)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let inputs = config::Inputs { flags, dir: dir.to_owned(), ..config::Inputs::default() };
    config::load(&inputs).unwrap_or_else(|problems| panic!("{problems}")).config
}

async fn open(
    profile: &str,
    set: &[(&str, &str)],
    dir: Arc<tempfile::TempDir>,
    clock: Arc<HandClock>,
    server: Option<Arc<TestDatabase>>,
) -> App {
    let mut config = config(profile, set, dir.path());
    let mut key = None;
    if let Some(server) = &server {
        config.database = server.place();
        let file = std::fs::read_to_string(dir.path().join("authd.key"));
        key = Some(Secret::new(file.unwrap_or_else(|_| MASTER_KEY.to_owned())));
    }
    let config = Arc::new(config);
    let random = Arc::new(CountedRandom::beside(clock.clone()));
    let env = Env::new(clock.clone(), random.clone());
    let core = loop {
        match authd::app::open(config.clone(), key.clone(), ProcessRole::Server, env.clone()).await
        {
            // Background work of the previous server may still be finishing.
            Err(error) if error.message().starts_with("another authd") => {
                tokio::task::yield_now().await;
            }
            opened => break opened.unwrap(),
        }
    };
    let limiter = Limiter::new(config.limits.clone(), env);
    let endpoint: Arc<dyn DynEndpoint<Output = Response>> =
        Arc::new(ToDynEndpoint(authd::app::endpoint(&core, &limiter)));
    let collector = Arc::new(Collector::default());
    let worker = authd::app::worker(&core, collector.clone());
    App { core, clock, dir, random, endpoint, collector, worker, server }
}

/// What is left of a program that was closed.
pub struct Closed {
    pub dir: Arc<tempfile::TempDir>,
    clock: Arc<HandClock>,
}

impl Closed {
    /// The profile `standard` on the file in its folder, or on a server's database, with the master key
    /// in its folder.
    pub async fn open(self, server: Option<Arc<TestDatabase>>) -> App {
        open("standard", &[], self.dir, self.clock, server).await
    }
}

impl App {
    /// Ends the program.
    pub fn close(self) -> Closed {
        let App { dir, clock, .. } = self;
        Closed { dir, clock }
    }

    /// The same database after a restart, optionally with other keys.
    pub async fn restart(self, profile: &str, set: &[(&str, &str)]) -> App {
        let App { core, clock, dir, endpoint, worker, server, .. } = self;
        drop((endpoint, worker, core));
        open(profile, set, dir, clock, server).await
    }

    /// The same after `work` changed the closed files.
    pub async fn reopened_after(
        self,
        profile: &str,
        between: impl FnOnce(&std::path::Path),
    ) -> App {
        let App { core, clock, dir, endpoint, worker, server, .. } = self;
        drop((endpoint, worker, core));
        between(dir.path());
        open(profile, &[], dir, clock, server).await
    }

    /// The database behind the program.
    pub fn database(&self) -> RawDatabase {
        match &self.server {
            Some(server) => RawDatabase::of_server(server.clone()),
            None => RawDatabase::at(self.dir.path().join("authd.db")),
        }
    }

    pub fn turn_clock(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// How often randomness was drawn so far: it reveals work that would otherwise need timing.
    pub fn draws(&self) -> usize {
        self.random.draws()
    }

    /// Lets so many milliseconds pass with each draw of randomness: steps of one request that draw
    /// in between have different times.
    pub fn let_time_pass(&self, millis: u64) {
        self.random.set_pace(millis);
    }

    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request =
            poem::http::Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.body(Vec::new()).unwrap();
        Call { app: self, request, from: "192.0.2.1:4711".to_owned() }
    }

    /// Also serves on a real port, until the returned server is dropped.
    pub async fn listen(&self) -> Server {
        self.listen_at(0).await
    }

    /// Also serves on this port, until the returned server is dropped.
    pub async fn listen_at(&self, port: u16) -> Server {
        let at = authd::config::Server {
            listen: ([127, 0, 0, 1], port).into(),
            ..self.core.config.server.clone()
        };
        let listener = Listener::bind(&at, Timeouts::default(), &self.core.env, &self.core.metrics)
            .await
            .unwrap();
        let address = listener.local_addr();
        let limiter = Limiter::new(self.core.config.limits.clone(), self.core.env.clone());
        let app = EndpointSwap::new(authd::app::endpoint(&self.core, &limiter));
        let forever = std::future::pending::<()>;
        Server { address, task: tokio::spawn(listener.serve(app, forever(), forever())) }
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).json(body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PUT, path).json(body)
    }

    /// Lets the worker process all due messages; returns the letters sent since the last call.
    pub async fn mails(&self) -> Vec<Mail> {
        while self.worker.run_once().await.unwrap() > 0 {}
        std::mem::take(&mut self.collector.mails.lock().unwrap())
    }

    /// The audit log so far, oldest record first.
    pub async fn records(&self) -> Vec<AuditRow> {
        let (all, oldest) = (AuditFilter::default(), From::After(String::new()));
        log::read(&self.core, &all, &oldest, 10_000).await.unwrap()
    }

    /// The audit log so far, each record as in [`line_of`].
    pub async fn audit(&self) -> Vec<String> {
        self.records().await.iter().map(line_of).collect()
    }

    /// Registers an API client, `client` or `service`, as `authd app create` does; returns its id
    /// and key.
    pub async fn api_client(&self, name: &str, kind: &str) -> (String, String) {
        let kind = ApiClientKind::parse(kind).unwrap();
        let (made, key) =
            api_clients::create(&self.core, &By::command_line(), name, kind).await.unwrap();
        (made.id, key.reveal().to_owned())
    }

    /// Signs up; returns the response.
    pub async fn register(&self, name: &str) -> Answer {
        self.post("/v1/auth/register", &registration(name)).send().await
    }

    /// Signs up and follows the mailed link.
    pub async fn join(&self, name: &str) {
        assert_eq!(self.register(name).await.status, 201);
        let token = token_in(&self.mails().await, "verify-email?token=");
        let answer = self.post("/v1/auth/verify-email", &json!({ "token": token })).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Logs in.
    pub async fn login(&self, name: &str, password: &str) -> Answer {
        let body = json!({ "email": format!("{name}@example.com"), "password": password });
        self.post("/v1/auth/login", &body).send().await
    }

    /// Signs up, verifies the address and logs in; returns both tokens.
    pub async fn enter(&self, name: &str) -> Tokens {
        self.join(name).await;
        self.login(name, PASSWORD).await.tokens()
    }
}

/// A record as `event outcome detail`, with a count for rate limit refusals.
pub fn line_of(record: &AuditRow) -> String {
    let AuditRow { event, outcome, detail, count, .. } = record;
    let times = if event == "limit_hit" { count.to_string() } else { String::new() };
    let detail = detail.as_deref().unwrap_or_default();
    format!("{event} {outcome} {detail} {times}").trim_end().to_owned()
}

/// The program on a real port.
pub struct Server {
    address: std::net::SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The body of a sign-up request.
pub fn registration(name: &str) -> Value {
    json!({
        "email": format!("{name}@example.com"),
        "username": name,
        "password": PASSWORD,
        "firstName": "Given",
        "lastName": "Family",
    })
}

/// The token of the first link with this path in the letters.
pub fn token_in(mails: &[Mail], path: &str) -> String {
    let mail = mails
        .iter()
        .find(|mail| mail.text.contains(path))
        .unwrap_or_else(|| panic!("no letter with {path}"));
    let (_, rest) = mail.text.split_once(path).unwrap();
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
}

/// The tokens of a login.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

/// The access token, so that a call takes `bearer(&tokens)`.
impl Deref for Tokens {
    type Target = str;

    fn deref(&self) -> &str {
        &self.access
    }
}

/// A request being built.
pub struct Call<'a> {
    app: &'a App,
    request: poem::http::Request<Vec<u8>>,
    from: String,
}

impl Call<'_> {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = poem::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.request.headers_mut().append(name, value);
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    /// Replaces a header.
    pub fn set_header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.request.headers_mut().insert("content-type", content_type.parse().unwrap());
        *self.request.body_mut() = body.into();
        self
    }

    /// Sets the client IP.
    pub fn from(mut self, address: &str) -> Self {
        self.from = format!("{address}:4711");
        self
    }

    /// Sends the call and asserts a success with this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> impl Future<Output = Answer> {
        let caller = Location::caller();
        async move { self.send().await.expect(caller, status, "") }
    }

    /// Sends the call and asserts a refusal with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> impl Future<Output = Answer> {
        let caller = Location::caller();
        async move { self.send().await.expect(caller, status, code) }
    }

    /// An HTTP version other than 1.1.
    pub fn version(mut self, version: poem::http::Version) -> Self {
        *self.request.version_mut() = version;
        self
    }

    pub async fn send(mut self) -> Answer {
        let body = std::mem::take(self.request.body_mut());
        self.send_body(body.into()).await
    }

    /// Sends the call; returns the body as it was sent.
    pub async fn send_bytes(mut self) -> Vec<u8> {
        let body = std::mem::take(self.request.body_mut());
        self.response(body.into()).await.into_body().into_vec().await.unwrap()
    }

    /// Sends the call; returns the headers alone.
    pub async fn send_head(mut self) -> HeaderMap {
        let body = std::mem::take(self.request.body_mut());
        self.response(body.into()).await.headers().clone()
    }

    /// Sends the call; returns the response, whose body is not read yet.
    pub async fn send_unread(mut self) -> Response {
        let body = std::mem::take(self.request.body_mut());
        self.response(body.into()).await
    }

    async fn response(self, body: poem::Body) -> Response {
        let peer = Addr::socket(self.from.parse().unwrap());
        let (parts, _) = self.request.into_parts();
        let parts =
            RequestParts::from((parts, LocalAddr(peer.clone()), RemoteAddr(peer), Scheme::HTTP));
        self.app.endpoint.call(Request::from_parts(parts, body)).await.unwrap()
    }

    /// Sends the call with this body in place of its own.
    pub async fn send_body(self, body: poem::Body) -> Answer {
        let response = self.response(body).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.into_body().into_string().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, body }
    }
}

/// A response.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    /// Asserts a success with this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Self {
        self.expect(Location::caller(), status, "")
    }

    /// Asserts a refusal with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        self.expect(Location::caller(), status, code)
    }

    /// Asserts this status and error code for the scenario at this place, as an `async` function
    /// cannot take the place of its caller.
    pub fn expect(self, place: &Location<'_>, status: u16, code: &str) -> Self {
        let found = (self.status.as_u16(), self.code());
        assert_eq!(found, (status, code), "{place}: {}", self.text);
        self
    }

    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of the cookie that this response sets, without its attributes.
    pub fn cookie(&self) -> Option<String> {
        let set = self.headers.get("set-cookie")?.to_str().unwrap();
        Some(set.split(';').next()?.split_once('=')?.1.to_owned())
    }

    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{}", self.text);
        let text = |name: &str| self.body["data"][name].as_str().unwrap_or("").to_owned();
        Tokens { access: text("accessToken"), refresh: text("refreshToken") }
    }
}

/// The claims of a valid token.
pub fn another_persons() -> VerifiedToken {
    VerifiedToken {
        account: AccountId::new("a"),
        session: SessionId::new("s"),
        issued_at: Time::from_seconds(0),
        expires_at: Time::from_seconds(1),
        epoch: 1,
    }
}

/// A document with every response in its place, and without what is served beside the API.
pub fn api_of(document: &Value) -> Value {
    let mut document = authd::http::docs::shared::inlined(document);
    let paths = document["paths"].as_object_mut().unwrap();
    paths.retain(|_, item| {
        item.as_object().unwrap().values().all(|one| one.get("servers").is_none())
    });
    document
}
