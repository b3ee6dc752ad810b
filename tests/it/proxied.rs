//! The proxies of `examples/deploy` in front of the real program: each accepts its example, and the
//! client's address and the scheme arrive.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Folder, PASSWORD};
use crate::tools::{missing, succeed};

const HOST: &str = "id.example.com";

/// Clients connect from here, so that they are not taken for the proxy.
const CLIENT: &str = "127.0.0.7";

/// A program that may be where only administrators look for it.
fn found(program: &str, version: &str) -> Option<String> {
    [program.to_owned(), format!("/usr/sbin/{program}")].into_iter().find(|program| {
        let mut ask = Command::new(program);
        ask.arg(version).stdout(Stdio::null()).stderr(Stdio::null());
        ask.status().is_ok_and(|status| status.success())
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What an example becomes for a test: free ports, a certificate of its own.
struct ProxySite {
    folder: TempDir,
    https: u16,
    http: u16,
}

impl ProxySite {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        std::fs::write(folder.path().join("fullchain.pem"), &chain).unwrap();
        std::fs::write(folder.path().join("key.pem"), &key).unwrap();
        std::fs::write(folder.path().join("haproxy.pem"), chain + &key).unwrap();
        Self { folder, https: free_port(), http: free_port() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn here(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// The text of an example with these replacements, each of which it must contain.
    fn example(name: &str, changes: &[(&str, String)]) -> String {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(name);
        let mut text = std::fs::read_to_string(example).unwrap();
        for (printed, here) in changes {
            assert!(text.contains(printed), "{name}: {printed}");
            text = text.replace(printed, here);
        }
        text
    }

    fn nginx(&self, program: &str, upstream: &str) -> Command {
        let site = Self::example(
            "nginx.conf",
            &[
                ("127.0.0.1:3000", upstream.to_owned()),
                ("listen 443", format!("listen 127.0.0.1:{}", self.https)),
                ("listen 80", format!("listen 127.0.0.1:{}", self.http)),
                ("/etc/ssl/id.example.com", self.here()),
            ],
        );
        // A test machine may have no IPv6.
        let is_v4 = |line: &&str| !line.trim_start().starts_with("listen [::]");
        let site: Vec<&str> = site.lines().filter(is_v4).collect();
        let here = self.here();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        let whole = format!(
            "daemon off;\npid {here}/nginx.pid;\nerror_log {here}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n\
             {temporary}{}\n}}\n",
            site.join("\n")
        );
        std::fs::write(self.path("nginx.conf"), whole).unwrap();
        let configured = || {
            let mut command = Command::new(program);
            command.arg("-p").arg(self.folder.path()).arg("-c").arg(self.path("nginx.conf"));
            command.arg("-e").arg(self.path("error.log"));
            command
        };
        succeed(configured().arg("-t"));
        configured()
    }

    fn caddy(&self, program: &str, upstream: &str) -> Command {
        let here = self.here();
        // An authority would have to reach this machine.
        let certificate = format!("{HOST} {{\n\ttls {here}/fullchain.pem {here}/key.pem\n");
        let site = Self::example(
            "Caddyfile",
            &[("127.0.0.1:3000", upstream.to_owned()), (&format!("{HOST} {{\n"), certificate)],
        );
        let (http, https) = (self.http, self.https);
        let whole = format!(
            "{{\n\tadmin off\n\thttp_port {http}\n\thttps_port {https}\n\tdefault_bind 127.0.0.1\n\
             \tskip_install_trust\n\tstorage file_system {here}\n}}\n{site}"
        );
        std::fs::write(self.path("Caddyfile"), whole).unwrap();
        let configured = |verb: &str| {
            let mut command = Command::new(program);
            command.args([verb, "--adapter", "caddyfile", "--config"]).arg(self.path("Caddyfile"));
            command.env("HOME", self.folder.path());
            command
        };
        succeed(&mut configured("validate"));
        configured("run")
    }

    fn haproxy(&self, program: &str, upstream: &str) -> Command {
        let whole = Self::example(
            "haproxy.cfg",
            &[
                ("127.0.0.1:3000", upstream.to_owned()),
                ("bind :443", format!("bind 127.0.0.1:{}", self.https)),
                ("bind :80", format!("bind 127.0.0.1:{}", self.http)),
                ("/etc/ssl/id.example.com", self.here()),
            ],
        );
        std::fs::write(self.path("haproxy.cfg"), whole).unwrap();
        let configured = || {
            let mut command = Command::new(program);
            command.arg("-f").arg(self.path("haproxy.cfg"));
            command
        };
        succeed(configured().arg("-c"));
        let mut run = configured();
        run.arg("-db");
        run
    }
}

/// A proxy with its example's configuration.
struct Proxy {
    child: Child,
    site: ProxySite,
}

impl Proxy {
    fn start(site: ProxySite, mut command: Command) -> Self {
        let log = std::fs::File::create(site.path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let proxy = Self { child: command.spawn().unwrap(), site };
        // It listens before the first of these attempts fails for another reason.
        assert!((0..1000).any(|_| proxy.curl("/livez", &[]).1.contains("200")), "{}", proxy.log());
        proxy
    }

    /// The exit code of curl, the status line and headers, and the body.
    fn curl(&self, path: &str, more: &[&str]) -> (Option<i32>, String, String) {
        self.ask(&format!("https://{HOST}:{}{path}", self.site.https), more)
    }

    fn ask(&self, url: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--include", "--http1.1", "--interface", CLIENT]);
        for port in [self.site.https, self.site.http] {
            curl.arg("--resolve").arg(format!("{HOST}:{port}:127.0.0.1"));
        }
        let output = curl.args(more).arg(url).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        (output.status.code(), head.to_ascii_lowercase(), body.to_owned())
    }

    fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.site.path(name)).unwrap_or_default();
        read("log") + &read("error.log")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The first process ends its workers at SIGTERM; killed, it would leave them behind.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        );
        let _ = self.child.wait();
    }
}

/// What every proxy passes on, and what it keeps to itself. `redirect` is the status with which it
/// redirects to https.
fn the_address_and_the_scheme_arrive(
    redirect: &str,
    configure: impl FnOnce(&ProxySite, &str) -> Command,
) {
    let folder = Folder::new();
    let public = format!("server.public_url=https://{HOST}");
    let flags = ["--set", &public, "--set", "server.trusted_proxies=[\"127.0.0.1\"]"];
    let strong = ["--set", "hashing.memory=19456", "--set", "hashing.passes=2"];
    let flags = [&flags[..], &strong, &["--set", "server.environment=production"]].concat();
    let authd = folder.serve_with(&flags);
    let create = ["user", "create", "--email", "jo@example.com", "--verified", "--password-stdin"];
    assert_eq!(folder.run_with_input(&create, PASSWORD).code, Some(0));
    let site = ProxySite::new();
    let upstream = authd.greeting["address"].as_str().unwrap().to_owned();
    let command = configure(&site, &upstream);
    let proxy = Proxy::start(site, command);

    let body = format!("{{\"email\":\"jo@example.com\",\"password\":\"{PASSWORD}\"}}");
    let login = [
        ["-H", "content-type: application/json"],
        // What a client claims is not believed.
        ["-H", "x-forwarded-for: 6.6.6.6"],
        ["-H", "x-forwarded-proto: http"],
        ["-d", &body],
    ];
    let (_, head, answer) = proxy.curl("/v1/auth/login", login.as_flattened());
    assert!(head.starts_with("http/1.1 200"), "{head}\n{answer}\n{}", proxy.log());
    let cookie = head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains("__secure-refreshtoken=") && cookie.contains("; secure"), "{cookie}");
    assert!(head.contains("strict-transport-security: "), "{head}");

    let audit = folder.run(&["audit", "--event", "login", "--json"]).json();
    assert_eq!(audit[0]["ipAddress"], CLIENT, "{audit}");

    let (_, head, _) = proxy.curl("/metrics", &[]);
    assert!(head.starts_with("http/1.1 404"), "{head}");
    let (_, head, _) = proxy.ask(&format!("http://{HOST}:{}/docs", proxy.site.http), &[]);
    let location = format!("location: https://{HOST}");
    assert!(
        head.starts_with(&format!("http/1.1 {redirect}")) && head.contains(&location),
        "{head}"
    );
    let (_, head, _) = proxy.curl("/openapi/v1.json", &["-H", "accept-encoding: gzip"]);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let (_, head, _) = proxy.curl("/v1/health", &["-H", "accept-encoding: gzip"]);
    assert!(head.starts_with("http/1.1 200") && !head.contains("content-encoding"), "{head}");
    let document: Value = serde_json::from_str(&proxy.curl("/openapi/v1.json", &[]).2).unwrap();
    assert_eq!(document["servers"][0]["url"], format!("https://{HOST}/v1"));

    // One that goes away, and is away: clients learn when to come again.
    drop(authd);
    let mut dying = Dying::at(&upstream);
    let (_, head, _) = proxy.curl("/v1/auth/login", login.as_flattened());
    assert!(is_come_again(&head), "{head}\n{}", proxy.log());
    assert!(dying.was_asked());
    drop(dying);
    let (_, head, _) = proxy.curl("/v1/health", &[]);
    assert!(is_come_again(&head), "{head}\n{}", proxy.log());
}

fn is_come_again(head: &str) -> bool {
    head.starts_with("http/1.1 503") && head.contains("retry-after: 1")
}

/// A server that ends each connection after the request, as one that is killed.
struct Dying {
    asked: Arc<AtomicBool>,
    address: String,
    thread: Option<JoinHandle<()>>,
}

impl Dying {
    fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let asked = Arc::new(AtomicBool::new(false));
        let noted = asked.clone();
        let thread = std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 16 * 1024];
                let read = stream.read(&mut head).unwrap_or(0);
                if head[..read].starts_with(b"END") {
                    return;
                }
                noted.store(true, Ordering::Relaxed);
            }
        });
        Self { asked, address: address.to_owned(), thread: Some(thread) }
    }

    fn was_asked(&mut self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Dying {
    /// The port is closed afterwards.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let _ = stream.write_all(b"END");
        }
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[test]
fn behind_nginx_the_clients_address_and_the_scheme_arrive() {
    let Some(nginx) = found("nginx", "-v") else { return missing("the nginx example", "nginx") };
    if found("curl", "--version").is_none() {
        return missing("the nginx example", "curl");
    }
    the_address_and_the_scheme_arrive("301", |site, upstream| site.nginx(&nginx, upstream));
}

#[test]
fn behind_caddy_the_clients_address_and_the_scheme_arrive() {
    let Some(caddy) = found("caddy", "version") else {
        return missing("the Caddy example", "caddy");
    };
    if found("curl", "--version").is_none() {
        return missing("the Caddy example", "curl");
    }
    the_address_and_the_scheme_arrive("308", |site, upstream| site.caddy(&caddy, upstream));
}

#[test]
fn behind_haproxy_the_clients_address_and_the_scheme_arrive() {
    let Some(haproxy) = found("haproxy", "-v") else {
        return missing("the HAProxy example", "haproxy");
    };
    if found("curl", "--version").is_none() {
        return missing("the HAProxy example", "curl");
    }
    the_address_and_the_scheme_arrive("301", |site, upstream| site.haproxy(&haproxy, upstream));
}
