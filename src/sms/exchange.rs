//! Sends one HTTP/1.1 request per connection, over TLS for `https` URLs. Does not follow redirects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::model::Secret;

/// The time limit of a whole request, from connect to response.
const PATIENCE: Duration = Duration::from_secs(15);
/// The maximum number of response bytes to read; only the status is used.
const ANSWER: usize = 64 * 1024;

/// The target of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Target {
    /// Parses `http://` and `https://` URLs.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (tls, rest) = match url.split_once("://")? {
            ("https", rest) => (true, rest),
            ("http", rest) => (false, rest),
            _ => return None,
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let port_at = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        let (host, port) = match port_at {
            Some(at) => (&authority[..at], authority[at + 1..].parse().ok()?),
            None => (authority, if tls { 443 } else { 80 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        (!host.is_empty()).then_some(Self { tls, host, port, path })
    }

    fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// Why there was no response. Contains no part of the request, which holds secrets.
pub struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Sends requests.
pub struct Exchange {
    tls: Option<TlsConnector>,
}

impl Exchange {
    /// Creates an instance that trusts the public certificate authorities.
    #[must_use]
    pub fn new() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        Self { tls: config.map(|config| TlsConnector::from(Arc::new(config))) }
    }

    /// Sends one request and returns the status of the response.
    ///
    /// # Errors
    /// `Failed` if there is no response in time.
    pub async fn send(
        &self,
        method: &str,
        target: &Target,
        headers: &[(String, Secret)],
        body: &Secret,
    ) -> Result<u16, Failed> {
        let work = self.connect_and_ask(method, target, headers, body);
        let outcome = tokio::time::timeout(PATIENCE, work).await;
        outcome.unwrap_or_else(|_| Err(Failed(format!("no response in {} s", PATIENCE.as_secs()))))
    }

    async fn connect_and_ask(
        &self,
        method: &str,
        target: &Target,
        headers: &[(String, Secret)],
        body: &Secret,
    ) -> Result<u16, Failed> {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(&target.path)
            .header("host", target.authority())
            .header("user-agent", concat!("authd/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            let mut value = hyper::header::HeaderValue::from_str(value.reveal())?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.reveal().as_bytes())))?;
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
        if !target.tls {
            return ask(stream, request).await;
        }
        let tls = self.tls.as_ref().ok_or_else(|| Failed("TLS is not available".to_owned()))?;
        let name = ServerName::try_from(target.host.clone())?;
        ask(tls.connect(name, stream).await?, request).await
    }
}

async fn ask<S>(stream: S, request: hyper::Request<Full<Bytes>>) -> Result<u16, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let running = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    let status = match answer {
        Ok(answer) => {
            let status = answer.status().as_u16();
            // The body is read so that the server sees an orderly end; only the status is used.
            let _ = Limited::new(answer.into_body(), ANSWER).collect().await;
            Ok(status)
        }
        Err(error) => Err(error.into()),
    };
    drop(sender);
    running.abort();
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> (bool, String, String) {
        let target = Target::parse(url).unwrap();
        (target.tls, target.authority(), target.path)
    }

    #[test]
    fn a_url_names_its_target() {
        assert_eq!(target("https://a.example/x?y=1"), (true, "a.example".into(), "/x?y=1".into()));
        assert_eq!(target("http://127.0.0.1:8080"), (false, "127.0.0.1:8080".into(), "/".into()));
        assert_eq!(target("http://[::1]:81/a"), (false, "[::1]:81".into(), "/a".into()));
        assert_eq!(target("https://a.example?to=1"), (true, "a.example".into(), "/?to=1".into()));
        for bad in ["", "a.example", "ftp://a", "http://", "http://a:x/"] {
            assert!(Target::parse(bad).is_none(), "{bad}");
        }
    }
}
