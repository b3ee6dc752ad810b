//! `authd health`: asks the server of this configuration whether it is ready, for probes in places
//! that have no other HTTP client.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::tls;

/// How long to wait for the connection, and for the response.
const PATIENCE: Duration = Duration::from_secs(3);

/// Only the status line is read.
const STATUS_LINE: u64 = 64;

/// Say whether the server answers
///
/// Asks /readyz at server.listen on this machine. Exits with 1 if the server does not answer, or its
/// database does not.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd health
      Ask the server of the configuration in this folder
  AUTHD_LISTEN=0.0.0.0:8080 authd health
      Ask the server on another port")]
pub struct Health {}

/// Asks the server, and prints whether it is ready.
pub fn run(global: &Global, console: &mut Console) -> Result<(), Failure> {
    let config = opened::configuration(global, console)?.config;
    let address = config.server.local_address();
    let host = config.server.public_host().filter(|_| config.tls.is_on());
    let status = status(address, host.as_deref())
        .map_err(|error| Failure::failed(format_args!("{address} does not answer: {error}")))?;
    let is_ready = status == "200";
    match console.form() {
        OutputFormat::Json => console.json(&json!({ "ready": is_ready, "status": status }))?,
        OutputFormat::People if is_ready => console.line("ready")?,
        OutputFormat::People => console.line(&format!("not ready: status {status}"))?,
    }
    if is_ready { Ok(()) } else { Err(Failure::reported()) }
}

/// The status of `GET /readyz`, as three digits. A server that speaks TLS is asked under its host.
fn status(address: SocketAddr, host: Option<&str>) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    match host {
        Some(host) => ask(tls::unverified(stream, host)?),
        None => ask(stream),
    }
}

fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut line = Vec::new();
    stream.take(STATUS_LINE).read_to_end(&mut line)?;
    let line = String::from_utf8_lossy(&line);
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.map(str::to_owned).ok_or_else(|| io::Error::other("it does not speak HTTP/1.1"))
}
