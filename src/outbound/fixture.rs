//! A network for tests: names resolve as scripted, and every connection reaches a scripted server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;

use super::{ByteStream, Connector};
use crate::env::Later;

/// What a scripted server does after it has read the request.
#[derive(Clone)]
enum Script {
    /// Sends these bytes and closes the connection.
    Answer(Vec<u8>),
    /// Sends these bytes and keeps the connection open.
    Stall(Vec<u8>),
}

/// A network of one scripted server.
pub(crate) struct FakeNetwork {
    /// The addresses of every name: one list per lookup, the last one for all further lookups.
    lookups: Vec<Vec<IpAddr>>,
    looked_up: AtomicUsize,
    /// Addresses that refuse connections.
    closed: Vec<IpAddr>,
    /// Addresses that never answer.
    silent: Vec<IpAddr>,
    tls: Option<TlsAcceptor>,
    script: Script,
    dialled: Mutex<Vec<String>>,
    requests: std::sync::Arc<Mutex<Vec<String>>>,
}

fn parsed(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

impl FakeNetwork {
    /// Every name has these addresses.
    pub fn resolving(addresses: &[&str]) -> Self {
        Self {
            lookups: vec![parsed(addresses)],
            looked_up: AtomicUsize::new(0),
            closed: Vec::new(),
            silent: Vec::new(),
            tls: None,
            script: Script::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
            dialled: Mutex::default(),
            requests: std::sync::Arc::default(),
        }
    }

    /// Every name has these addresses from the next lookup on.
    pub fn then_resolving(mut self, addresses: &[&str]) -> Self {
        self.lookups.push(parsed(addresses));
        self
    }

    /// These addresses refuse connections.
    pub fn closed_at(self, addresses: &[&str]) -> Self {
        Self { closed: parsed(addresses), ..self }
    }

    /// These addresses never answer.
    pub fn silent_at(self, addresses: &[&str]) -> Self {
        Self { silent: parsed(addresses), ..self }
    }

    /// The server sends this and closes the connection.
    pub fn answering(self, answer: impl Into<Vec<u8>>) -> Self {
        Self { script: Script::Answer(answer.into()), ..self }
    }

    /// The server sends this and then nothing more.
    pub fn stalling_after(self, answer: impl Into<Vec<u8>>) -> Self {
        Self { script: Script::Stall(answer.into()), ..self }
    }

    /// The server uses TLS.
    pub fn with_tls(self, tls: TlsAcceptor) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The addresses that were connected to.
    pub fn dialled(&self) -> Vec<String> {
        self.dialled.lock().unwrap().clone()
    }

    /// How many names were looked up.
    pub fn looked_up(&self) -> usize {
        self.looked_up.load(Ordering::Relaxed)
    }

    /// The requests that the server received.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Connector for FakeNetwork {
    fn resolve<'a>(&'a self, _name: &'a str) -> Later<'a, io::Result<Vec<IpAddr>>> {
        let count = self.looked_up.fetch_add(1, Ordering::Relaxed);
        let found = self.lookups[count.min(self.lookups.len() - 1)].clone();
        Box::pin(async move { Ok(found) })
    }

    fn connect(&self, address: SocketAddr) -> Later<'_, io::Result<Box<dyn ByteStream>>> {
        self.dialled.lock().unwrap().push(address.to_string());
        Box::pin(async move {
            if self.silent.contains(&address.ip()) {
                std::future::pending::<()>().await;
            }
            if self.closed.contains(&address.ip()) {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            let (script, tls, requests) =
                (self.script.clone(), self.tls.clone(), self.requests.clone());
            tokio::spawn(async move {
                let keep = |request| requests.lock().unwrap().push(request);
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(far).await {
                            serve(stream, script, keep).await;
                        }
                    }
                    None => serve::<DuplexStream>(far, script, keep).await,
                }
            });
            Ok(Box::new(near) as Box<dyn ByteStream>)
        })
    }
}

/// Reads a request up to the end of its header and follows the script. The client may hang up at
/// any time.
async fn serve<S: ByteStream>(mut stream: S, script: Script, keep: impl FnOnce(String)) {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    keep(String::from_utf8(bytes).unwrap());
    match script {
        Script::Answer(answer) => {
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
        Script::Stall(answer) => {
            let _ = stream.write_all(&answer).await;
            let _ = stream.flush().await;
            std::future::pending::<()>().await;
        }
    }
}
