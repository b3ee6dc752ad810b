//! `examples/deploy/nginx.conf` in front of the real program: nginx accepts it, and the client's
//! address and the scheme arrive.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Folder, PASSWORD, Server};
use crate::tools::{missing, succeed};

const HOST: &str = "id.example.com";

/// Clients connect from here, so that they are not taken for the proxy.
const CLIENT: &str = "127.0.0.7";

/// nginx, which is not on everybody's path.
fn nginx() -> Option<&'static str> {
    ["nginx", "/usr/sbin/nginx"].into_iter().find(|program| {
        let version = Command::new(program).arg("-v").stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// nginx with the example's configuration, on free ports and with a certificate of its own.
struct Proxy {
    child: Child,
    https: u16,
    http: u16,
    folder: TempDir,
}

impl Proxy {
    fn before(nginx: &str, authd: &Server) -> Self {
        let (folder, https, http) = (TempDir::new().unwrap(), free_port(), free_port());
        let certificate = ["fullchain.pem", "key.pem"].map(|name| folder.path().join(name));
        let subject = format!("/CN={HOST}");
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]);
        succeed(
            openssl
                .arg(subject)
                .arg("-out")
                .arg(&certificate[0])
                .arg("-keyout")
                .arg(&certificate[1]),
        );
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/nginx.conf");
        let upstream = authd.greeting["address"].as_str().unwrap();
        let mut site = std::fs::read_to_string(example).unwrap();
        for (printed, here) in [
            ("127.0.0.1:3000", upstream.to_owned()),
            ("listen 443", format!("listen 127.0.0.1:{https}")),
            ("listen 80", format!("listen 127.0.0.1:{http}")),
            ("/etc/ssl/id.example.com", folder.path().display().to_string()),
        ] {
            assert!(site.contains(printed), "{printed}");
            site = site.replace(printed, &here);
        }
        // A test machine may have no IPv6.
        let is_v4 = |line: &&str| !line.trim_start().starts_with("listen [::]");
        let site: Vec<&str> = site.lines().filter(is_v4).collect();
        let here = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        let whole = format!(
            "daemon off;\npid {here}/nginx.pid;\nerror_log {here}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n\
             {temporary}{}\n}}\n",
            site.join("\n")
        );
        std::fs::write(folder.path().join("nginx.conf"), whole).unwrap();
        let configured = || {
            let mut command = Command::new(nginx);
            command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
            command.arg("-e").arg(folder.path().join("error.log"));
            command
        };
        succeed(configured().arg("-t"));
        let child = configured().stdin(Stdio::null()).spawn().unwrap();
        let proxy = Self { child, https, http, folder };
        // It listens before the first of these attempts fails for another reason.
        assert!((0..1000).any(|_| proxy.curl("/livez", &[]).1.contains("200")), "{}", proxy.log());
        proxy
    }

    /// The exit code of curl, the status line and headers, and the body.
    fn curl(&self, path: &str, more: &[&str]) -> (Option<i32>, String, String) {
        self.ask(&format!("https://{HOST}:{}{path}", self.https), more)
    }

    fn ask(&self, url: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--include", "--http1.1", "--interface", CLIENT]);
        for port in [self.https, self.http] {
            curl.arg("--resolve").arg(format!("{HOST}:{port}:127.0.0.1"));
        }
        let output = curl.args(more).arg(url).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        (output.status.code(), head.to_ascii_lowercase(), body.to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
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

#[test]
fn behind_nginx_the_clients_address_and_the_scheme_arrive() {
    let Some(nginx) = nginx() else { return missing("the nginx example", "nginx") };
    // OpenSSL has a command where others have `--version`.
    for (program, version) in [("curl", "--version"), ("openssl", "version")] {
        if !Command::new(program).arg(version).output().is_ok_and(|ran| ran.status.success()) {
            return missing("the nginx example", program);
        }
    }
    let folder = Folder::new();
    let public = format!("server.public_url=https://{HOST}");
    let flags = ["--set", &public, "--set", "server.trusted_proxies=[\"127.0.0.1\"]"];
    let authd = folder.serve_with(&flags);
    let create = ["user", "create", "--email", "jo@example.com", "--verified", "--password-stdin"];
    assert_eq!(folder.run_with_input(&create, PASSWORD).code, Some(0));
    let proxy = Proxy::before(nginx, &authd);

    let body = format!("{{\"email\":\"jo@example.com\",\"password\":\"{PASSWORD}\"}}");
    let login =
        ["-H", "content-type: application/json", "-H", "x-forwarded-for: 6.6.6.6", "-d", &body];
    let (_, head, answer) = proxy.curl("/v1/auth/login", &login);
    assert!(head.starts_with("http/1.1 200"), "{head}\n{answer}\n{}", proxy.log());
    let cookie = head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains("__secure-refreshtoken=") && cookie.contains("; secure"), "{cookie}");
    assert!(head.contains("strict-transport-security: "), "{head}");

    let audit = folder.run(&["audit", "--event", "login", "--json"]).json();
    assert_eq!(audit[0]["ipAddress"], CLIENT, "{audit}");

    let (_, head, _) = proxy.curl("/metrics", &[]);
    assert!(head.starts_with("http/1.1 404"), "{head}");
    let (_, head, _) = proxy.ask(&format!("http://{HOST}:{}/docs", proxy.http), &[]);
    let location = format!("location: https://{HOST}/docs");
    assert!(head.starts_with("http/1.1 301") && head.contains(&location), "{head}");
    let (_, head, _) = proxy.curl("/openapi/v1.json", &["-H", "accept-encoding: gzip"]);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let (_, head, _) = proxy.curl("/v1/health", &["-H", "accept-encoding: gzip"]);
    assert!(head.starts_with("http/1.1 200") && !head.contains("content-encoding"), "{head}");
    let document: Value = serde_json::from_str(&proxy.curl("/openapi/v1.json", &[]).2).unwrap();
    assert_eq!(document["servers"][0]["url"], format!("https://{HOST}/v1"));
}
