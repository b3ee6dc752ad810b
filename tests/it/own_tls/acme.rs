//! Certificates by ACME, from Debian's `pebble`: order, renewal, a name that leads elsewhere, an
//! authority that is down.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::config::{Config, Inputs, Server};
use authd::env::{Env, HandClock, Later, SystemRandomness};
use authd::http::server::plain_http::redirecting;
use authd::http::transport::listener::{EndpointSwap, Listener};
use authd::http::transport::pace::Timeouts;
use authd::identity::Core;
use authd::metrics::Metrics;
use authd::outbound::{ByteStream, Connector};
use authd::store::ProcessRole;
use authd::tls::{AcmeCertificates, AcmeSurroundings, ServedCertificate};
use poem::{Endpoint, endpoint};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::tools::{missing, succeed};

const NAME: &str = "localhost";

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority that asks these two ports of this machine.
pub struct Pebble {
    running: Running,
    pub folder: TempDir,
    pub port: u16,
    management: u16,
}

impl Pebble {
    /// Starts it; `None` if this machine does not have it.
    pub fn start(tls_port: u16, http_port: u16) -> Option<Self> {
        Self::with(tls_port, http_port, &serde_json::json!({}))
    }

    /// With these additional settings of its own.
    pub fn with(tls_port: u16, http_port: u16, more: &Value) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let (port, management) = (free_port(), free_port());
        let mut config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": folder.path().join("cert.pem"),
            "privateKey": folder.path().join("key.pem"),
            "httpPort": http_port,
            "tlsPort": tls_port,
        }});
        config["pebble"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let mut command = Command::new("pebble");
        command.arg("-config").arg(folder.path().join("config.json")).stdin(Stdio::null());
        let log = File::create(folder.path().join("log")).unwrap();
        command.env("PEBBLE_VA_NOSLEEP", "1").stdout(log.try_clone().unwrap()).stderr(log);
        let running = Running(command.spawn().ok()?);
        for port in [port, management] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {}
        }
        Some(Self { running, folder, port, management })
    }

    /// The settings of a server that uses it.
    fn settings(&self) -> [String; 3] {
        [
            "tls.acme=ops@example.com".to_owned(),
            format!("tls.acme_directory=https://127.0.0.1:{}/dir", self.port),
            format!("tls.acme_root={}", self.folder.path().join("cert.pem").display()),
        ]
    }

    /// Writes the certificate that its own certificates lead to.
    fn write_root(&self, path: &Path) {
        let url = format!("https://127.0.0.1:{}/roots/0", self.management);
        succeed(Command::new("curl").args(["-sk", &url, "-o"]).arg(path));
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

/// A network in which the name has these addresses, and connections are counted by port.
struct Network {
    addresses: Mutex<Vec<IpAddr>>,
    watched: u16,
    connections: AtomicUsize,
}

impl Connector for Network {
    fn resolve<'a>(&'a self, _name: &'a str) -> Later<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(self.addresses.lock().unwrap().clone()) })
    }

    fn connect(&self, address: SocketAddr) -> Later<'_, io::Result<Box<dyn ByteStream>>> {
        if address.port() == self.watched {
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

/// A server in this process whose clock is moved by hand.
pub struct Site {
    pub core: Arc<Core>,
    pub clock: Arc<HandClock>,
    pub served: ServedCertificate,
    network: Arc<Network>,
    _folder: Option<TempDir>,
}

/// Serves on this address, over TLS if there is a certificate.
pub async fn listen(
    config: &Config,
    address: SocketAddr,
    served: Option<ServedCertificate>,
) -> JoinHandle<()> {
    let server = Server { listen: address, ..config.server.clone() };
    let text = if served.is_some() { "hello" } else { "elsewhere" };
    serve(&server, served, endpoint::make_sync(move |_| poem::Response::from(text))).await
}

/// Serves this on a port of this machine.
pub async fn serve(
    server: &Server,
    served: Option<ServedCertificate>,
    endpoint: impl Endpoint<Output = poem::Response> + 'static,
) -> JoinHandle<()> {
    let (env, metrics) = (Env::real(), Metrics::default());
    let listener = Listener::bind(server, Timeouts::default(), &env, &metrics).await.unwrap();
    let listener = listener.with_certificate(served);
    let swap = EndpointSwap::new(endpoint);
    tokio::spawn(listener.serve(swap, std::future::pending(), std::future::pending()))
}

impl Site {
    pub async fn open(settings: &[String], authority: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("authd.db").display().to_string();
        Self { _folder: Some(folder), ..Self::open_at(&database, None, settings, authority).await }
    }

    /// On this database, with this master key.
    pub async fn open_at(
        database: &str,
        key: Option<&str>,
        settings: &[String],
        authority: u16,
    ) -> Self {
        let mut inputs = Inputs::default();
        inputs.flags.push(("db".to_owned(), database.to_owned()));
        for setting in settings {
            let (key, value) = setting.split_once('=').unwrap();
            inputs.flags.push((key.to_owned(), value.to_owned()));
        }
        let config = authd::config::load(&inputs).unwrap().config;
        let clock = Arc::new(HandClock::at(Env::real().wall()));
        let env = Env::new(clock.clone(), Arc::new(SystemRandomness::default()));
        let key = key.map(authd::model::Secret::new);
        let core = authd::app::open(Arc::new(config), key, ProcessRole::Server, env).await.unwrap();
        let network = Network {
            addresses: Mutex::new(vec![Ipv4Addr::LOCALHOST.into()]),
            watched: authority,
            connections: AtomicUsize::new(0),
        };
        let served = ServedCertificate::none(&core.metrics).unwrap();
        Self { core, clock, served, network: Arc::new(network), _folder: None }
    }

    /// As after a start.
    pub async fn certificates(&self) -> AcmeCertificates {
        let surroundings = AcmeSurroundings {
            store: self.core.store.clone(),
            master: self.core.master.clone(),
            env: self.core.env.clone(),
            connector: self.network.clone(),
        };
        let opened = AcmeCertificates::open(&self.core.config, surroundings, &self.served);
        opened.await.unwrap().unwrap()
    }

    pub fn expiry(&self) -> Option<authd::model::Time> {
        self.served.current().map(|current| current.expires())
    }

    pub fn authority_was_asked(&self) -> usize {
        self.network.connections.swap(0, Ordering::Relaxed)
    }
}

pub fn settings(port: u16, pebble: &Pebble) -> Vec<String> {
    let public = format!("server.public_url=https://{NAME}:{port}");
    pebble.settings().into_iter().chain([public]).collect()
}

#[test]
fn a_certificate_is_ordered_kept_sealed_and_shown_again_after_a_restart() {
    let (port, http) = (free_port(), free_port());
    let Some(pebble) = Pebble::start(port, http) else { return missing("ACME", "pebble") };
    let folder = Folder::new();
    let mut arguments: Vec<String> = CHEAP.map(str::to_owned).to_vec();
    for setting in
        settings(port, &pebble).into_iter().chain([format!("tls.redirect=127.0.0.1:{http}")])
    {
        arguments.extend(["--set".to_owned(), setting]);
    }
    let listen = format!("127.0.0.1:{port}");
    let server = SecureServer::start_at(&folder, &listen, &arguments);
    let mut shown = None;
    while shown.is_none() {
        assert!(
            !log_of(&folder).contains("there is no new certificate"),
            "{}\n{}",
            log_of(&folder),
            pebble.log()
        );
        shown = server.shown();
    }
    let root = folder.path("root.pem");
    pebble.write_root(&root);
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &listen, "-servername", NAME, "-verify_hostname", NAME]);
    let said = succeed(openssl.arg("-CAfile").arg(&root).args(["-verify_return_error"]));
    assert!(said.contains("Verify return code: 0"), "{said}");
    for file in ["authd.db", "authd.db-wal"] {
        let bytes = fs::read(folder.path(file)).unwrap_or_default();
        for secret in [&b"PRIVATE KEY"[..], b"BEGIN CERTIFICATE", b"key_pkcs8"] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{file}");
        }
    }
    drop(server);
    // Nobody could issue another one.
    let Pebble { running, folder: _roots, .. } = pebble;
    drop(running);
    let server = SecureServer::start_at(&folder, &listen, &arguments);
    assert_eq!(server.shown(), shown);
    assert_eq!(server.status("/livez"), Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_after_two_thirds_of_its_life_under_load() {
    let port = free_port();
    let Some(pebble) = Pebble::start(port, free_port()) else { return missing("ACME", "pebble") };
    let mut settings = settings(port, &pebble);
    settings.push("server.handshakes_client=1000000".to_owned());
    let site = Site::open(&settings, pebble.port).await;
    let certificates = site.certificates().await;
    listen(&site.core.config, ([127, 0, 0, 1], port).into(), Some(site.served.clone())).await;
    certificates.tick().await.unwrap_or_else(|error| panic!("{}\n{}", error.chain(), pebble.log()));
    let first = site.served.current().unwrap();
    assert!(site.authority_was_asked() > 0);
    let life = first.expires().since(first.begins());
    let address = format!("127.0.0.1:{port}");
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load = {
        let (address, is_over) = (address.clone(), is_over.clone());
        std::thread::spawn(move || {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) || count < 20 {
                assert_eq!(status(&address), Some(200));
                count += 1;
            }
        })
    };
    site.clock.advance(life / 2);
    certificates.tick().await.unwrap();
    // It is only asked when to renew, which it does not say.
    assert_eq!(site.authority_was_asked(), 1);
    certificates.tick().await.unwrap();
    assert_eq!(site.authority_was_asked(), 0, "not before the next day");
    assert!(Arc::ptr_eq(&site.served.current().unwrap(), &first), "not yet");
    site.clock.advance(life / 4);
    certificates.tick().await.unwrap_or_else(|error| panic!("{}\n{}", error.chain(), pebble.log()));
    assert!(site.authority_was_asked() > 0);
    let second = site.served.current().unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    is_over.store(true, Ordering::Relaxed);
    tokio::task::spawn_blocking(move || load.join().unwrap()).await.unwrap();
    assert_eq!(site.core.metrics.certificate().map(|(_, expires)| expires), site.expiry());
}

/// The status of a request on a connection of its own.
fn status(address: &str) -> Option<u16> {
    let stream = TcpStream::connect(address).ok()?;
    let mut encrypted = authd::tls::unverified(stream, NAME).ok()?;
    write!(encrypted, "GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    encrypted.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_ordered_while_the_name_leads_elsewhere() {
    let port = free_port();
    let Some(pebble) = Pebble::start(port, free_port()) else { return missing("ACME", "pebble") };
    let site = Site::open(&settings(port, &pebble), pebble.port).await;
    listen(&site.core.config, ([127, 0, 0, 1], port).into(), Some(site.served.clone())).await;
    // Another server, over TLS and not.
    let other = ServedCertificate::none(&Metrics::default()).unwrap();
    listen(&site.core.config, ([127, 0, 0, 2], port).into(), Some(other)).await;
    listen(&site.core.config, ([127, 0, 0, 3], port).into(), None).await;
    let certificates = site.certificates().await;
    let minutes = Duration::from_mins(5);
    for (addresses, expected) in [
        (&[[127, 0, 0, 2]][..], "127.0.0.2:"),
        (&[[127, 0, 0, 3]], "where another server answers"),
        (&[[127, 0, 0, 1], [127, 0, 0, 2]], "where another server answers"),
        (&[[127, 0, 0, 4]], "does not answer"),
        (&[], "localhost has no address"),
    ] {
        *site.network.addresses.lock().unwrap() =
            addresses.iter().map(|address| IpAddr::from(*address)).collect();
        let error = certificates.tick().await.unwrap_err();
        assert!(error.chain().contains(expected), "{addresses:?}: {}", error.chain());
        certificates.tick().await.unwrap();
        assert_eq!((site.authority_was_asked(), site.expiry()), (0, None), "{addresses:?}");
        site.clock.advance(minutes);
    }
    // An address that this machine cannot reach does not stand in the way.
    *site.network.addresses.lock().unwrap() =
        vec![Ipv4Addr::new(127, 0, 0, 4).into(), Ipv4Addr::LOCALHOST.into()];
    certificates.tick().await.unwrap_or_else(|error| panic!("{}\n{}", error.chain(), pebble.log()));
    assert!(site.expiry().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_down_is_asked_after_hours_and_not_at_each_start() {
    let port = free_port();
    let closed = free_port();
    let settings = [
        format!("server.public_url=https://{NAME}:{port}"),
        "tls.acme=ops@example.com".to_owned(),
        format!("tls.acme_directory=https://127.0.0.1:{closed}/dir"),
    ];
    let site = Site::open(&settings, closed).await;
    listen(&site.core.config, ([127, 0, 0, 1], port).into(), Some(site.served.clone())).await;
    let hour = Duration::from_hours(1);
    for wait in [hour, 2 * hour, 4 * hour] {
        let certificates = site.certificates().await;
        let error = certificates.tick().await.unwrap_err();
        assert!(error.chain().contains("connecting failed"), "{}", error.chain());
        assert_eq!(site.authority_was_asked(), 1);
        let almost = wait.saturating_sub(Duration::from_secs(1));
        for early in [Duration::ZERO, almost] {
            site.clock.advance(early);
            certificates.tick().await.unwrap();
            site.certificates().await.tick().await.unwrap();
        }
        assert_eq!(site.authority_was_asked(), 0);
        site.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_may_ask_by_plain_http_where_the_port_is_this_servers() {
    let (port, http) = (free_port(), free_port());
    let Some(pebble) = Pebble::start(free_port(), http) else { return missing("ACME", "pebble") };
    let mut settings = settings(port, &pebble);
    settings.push(format!("tls.redirect=127.0.0.1:{http}"));
    let site = Site::open(&settings, pebble.port).await;
    // What leads to the port of the URL ends at a proxy that knows nothing of challenges.
    let other = ServedCertificate::none(&Metrics::default()).unwrap();
    listen(&site.core.config, ([127, 0, 0, 1], port).into(), Some(other)).await;
    let at = ([127, 0, 0, 1], http).into();
    let server = Server { listen: at, ..site.core.config.server.clone() };
    let (env, metrics) = (Env::real(), Metrics::default());
    let listener = Listener::bind(&server, Timeouts::default(), &env, &metrics).await.unwrap();
    let answers = site.served.answers();
    let swap = EndpointSwap::new(redirecting("https://localhost".to_owned(), answers));
    let never = std::future::pending();
    tokio::spawn(listener.serve(swap, never, std::future::pending()));
    let certificates = site.certificates().await;
    certificates.tick().await.unwrap_or_else(|error| panic!("{}\n{}", error.chain(), pebble.log()));
    assert!(site.expiry().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_authority_says_about_a_refused_order_is_passed_on() {
    let port = free_port();
    // It asks another port, at which nothing answers.
    let Some(pebble) = Pebble::start(free_port(), free_port()) else {
        return missing("ACME", "pebble");
    };
    let site = Site::open(&settings(port, &pebble), pebble.port).await;
    listen(&site.core.config, ([127, 0, 0, 1], port).into(), Some(site.served.clone())).await;
    let certificates = site.certificates().await;
    let error = certificates.tick().await.unwrap_err().chain();
    assert!(error.contains("the authority refused the order"), "{error}");
    assert!(error.contains("Failed to connect"), "{error}\n{}", pebble.log());
    assert!(site.authority_was_asked() > 0);
    certificates.tick().await.unwrap();
    assert_eq!(site.authority_was_asked(), 0);
    // The database is not held up by it for another name or authority, and no answer is left.
    assert!(site.served.answers().handshake(NAME).await.is_none());
}
