//! A server with a certificate of its own: the real program, asked by openssl and curl.

mod acme;
mod authority;
mod commands;
mod files;
mod handshakes;
mod shared;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::{CHEAP, Folder, Running};

pub const HOST: &str = "id.example.com";

/// Writes a certificate for this name, valid in these years, as `NAME.pem` and `NAME.key`.
pub fn write_certificate(folder: &Folder, name: &str, host: &str, years: [i32; 2]) {
    let mut params = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years[0], 1, 1);
    params.not_after = rcgen::date_time_ymd(years[1], 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.path(&format!("{name}.pem")), certificate.pem()).unwrap();
    fs::write(folder.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
}

/// Makes `tls.pem` and `tls.key` those of this name, each in one step.
pub fn use_certificate(folder: &Folder, name: &str) {
    for kind in ["key", "pem"] {
        fs::copy(folder.path(&format!("{name}.{kind}")), folder.path("new")).unwrap();
        fs::rename(folder.path("new"), folder.path(&format!("tls.{kind}"))).unwrap();
    }
}

/// The arguments of a server that shows `tls.pem`.
pub fn with_files() -> Vec<String> {
    let mut arguments: Vec<String> = CHEAP.map(str::to_owned).to_vec();
    let public = format!("server.public_url=https://{HOST}");
    for set in ["tls.cert=tls.pem", "tls.key=tls.key", "server.trusted_proxies=[]", &public] {
        arguments.extend(["--set".to_owned(), set.to_owned()]);
    }
    arguments
}

/// A server over TLS.
pub struct SecureServer {
    pub running: Running,
    pub greeting: Value,
    pub address: String,
}

impl SecureServer {
    /// Starts it; its log is in the file `log`.
    pub fn start(folder: &Folder, more: &[String]) -> Self {
        Self::start_at(folder, "127.0.0.1:0", more)
    }

    /// Starts it at this address.
    pub fn start_at(folder: &Folder, listen: &str, more: &[String]) -> Self {
        let log = File::options().create(true).append(true).open(folder.path("log")).unwrap();
        let mut arguments = vec!["serve", "--json", "--listen", listen];
        arguments.extend(more.iter().map(String::as_str));
        let mut command = folder.command(&arguments);
        // Tests read the log as text.
        let mut child = command.env("AUTHD_LOG__FORMAT", "text").stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let greeting: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", log_of(folder)));
        let address = greeting["address"].as_str().unwrap().to_owned();
        Self { running: Running(child), greeting, address }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.running.0), signal).unwrap();
    }

    pub fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }

    /// The certificate that it shows, in DER; `None` if there is no handshake.
    pub fn shown(&self) -> Option<Vec<u8>> {
        let stream = TcpStream::connect(&self.address).ok()?;
        let mut encrypted = authd::tls::unverified(stream, HOST).ok()?;
        encrypted.conn.complete_io(&mut encrypted.sock).ok()?;
        Some(encrypted.conn.peer_certificates()?.first()?.to_vec())
    }

    /// The status of a request on a connection of its own.
    pub fn status(&self, path: &str) -> Option<u16> {
        let stream = TcpStream::connect(&self.address).ok()?;
        let mut encrypted = authd::tls::unverified(stream, HOST).ok()?;
        write!(encrypted, "GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        encrypted.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }

    /// What curl prints for a URL of this server, with these arguments.
    pub fn curl(&self, url: &str, more: &[&str]) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--include", "--resolve"]);
        curl.arg(format!("{HOST}:{}:127.0.0.1", self.port()));
        let output = curl.args(more).arg(url).stderr(Stdio::inherit()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port())
    }
}

pub fn log_of(folder: &Folder) -> String {
    fs::read_to_string(folder.path("log")).unwrap_or_default()
}

/// A certificate in PEM as DER.
pub fn der(path: &Path) -> Vec<u8> {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}
