//! The client: resolves, checks, connects, sends one HTTP/1.1 request and reads the response. Each
//! request has its own connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;

use super::connector::SystemConnector;
use super::handshake::HandshakeVerifier;
use super::pinned::PinnedCertificates;
use super::{
    Authorities, ByteStream, Connector, HttpRequest, HttpResponse, OutboundError, OutboundPolicy,
    RequestLimits,
};
use crate::model::{HttpUrl, UrlHost};

/// The largest header of a response, in bytes.
const MAX_HEADER: usize = 16 * 1024;
/// How many addresses of a host are attempted.
const MAX_ADDRESSES: usize = 4;
/// The value of the User-Agent header.
const PRODUCT: &str = concat!("authd/", env!("CARGO_PKG_VERSION"));

/// Sends requests to the servers that a policy admits.
pub struct HttpClient {
    policy: OutboundPolicy,
    connector: Arc<dyn Connector>,
    authorities: Authorities,
    tls: Option<TlsConnector>,
}

impl HttpClient {
    /// Creates a client that uses the system's network.
    #[must_use]
    pub fn new(policy: OutboundPolicy) -> Self {
        Self::with_connector(policy, Arc::new(SystemConnector))
    }

    /// Creates a client that resolves and connects through `connector`. It trusts the public
    /// certificate authorities.
    #[must_use]
    pub fn with_connector(policy: OutboundPolicy, connector: Arc<dyn Connector>) -> Self {
        Self::trusting(policy, connector, Authorities::public())
    }

    /// Creates a client that trusts these certificate authorities and no others.
    #[must_use]
    pub fn trusting(
        policy: OutboundPolicy,
        connector: Arc<dyn Connector>,
        authorities: Authorities,
    ) -> Self {
        let tls = verifier(&authorities).and_then(|verifier| tls_connector(verifier));
        Self { policy, connector, authorities, tls }
    }

    /// Also accepts servers that show one of these certificates (in DER), under any name.
    #[must_use]
    pub fn pinned_to(self, certificates: Vec<Vec<u8>>) -> Self {
        let pinned = verifier(&self.authorities)
            .map(|public| PinnedCertificates { pinned: certificates, public })
            .map(|check| Arc::new(HandshakeVerifier::new(check)));
        Self { tls: pinned.and_then(|verifier| tls_connector(verifier)), ..self }
    }

    /// The verifier of certificates; `None` if the cryptography library does not work.
    pub(super) fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        verifier(&self.authorities)
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// As in [`OutboundError`], if not even a status arrived. A failure after that is in
    /// [`HttpResponse::body`].
    pub async fn send(
        &self,
        request: &HttpRequest<'_>,
        limits: RequestLimits,
    ) -> Result<HttpResponse, OutboundError> {
        let mut deadline = Deadline::after(limits.total);
        // Dropping the set closes the connection, however this call ends.
        let mut driver = JoinSet::new();
        let response = deadline.cut(self.exchange(request, limits.connect, &mut driver)).await?;
        let (head, body) = response.into_parts();
        let body = deadline.cut(read_body(body, limits.max_body)).await;
        Ok(HttpResponse { status: head.status.as_u16(), headers: head.headers, body })
    }

    async fn exchange(
        &self,
        request: &HttpRequest<'_>,
        limit: Duration,
        driver: &mut JoinSet<hyper::Result<()>>,
    ) -> Result<hyper::Response<Incoming>, OutboundError> {
        self.policy.check_scheme(request.url)?;
        let message = message(request)?;
        let stream = Deadline::after(limit).cut(self.connect(request.url, limit)).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_header_size(MAX_HEADER)
            .handshake(TokioIo::new(stream))
            .await?;
        driver.spawn(connection);
        Ok(sender.send_request(message).await?)
    }

    async fn connect(
        &self,
        url: &HttpUrl,
        limit: Duration,
    ) -> Result<Box<dyn ByteStream>, OutboundError> {
        let stream = self.stream(url, limit).await?;
        if !url.is_https() {
            return Ok(stream);
        }
        let tls = self
            .tls
            .as_ref()
            .ok_or_else(|| OutboundError::Tls(io::Error::other("TLS is not available")))?;
        let stream =
            tls.connect(server_name(url.host())?, stream).await.map_err(OutboundError::Tls)?;
        Ok(Box::new(stream))
    }

    /// A connection to the host of a URL, without TLS.
    pub(super) async fn stream(
        &self,
        url: &HttpUrl,
        limit: Duration,
    ) -> Result<Box<dyn ByteStream>, OutboundError> {
        let addresses = self.addresses(url.host()).await?;
        self.dial(&addresses, url.port(), limit).await
    }

    /// The addresses of the host that the policy admits.
    async fn addresses(&self, host: &UrlHost) -> Result<Vec<IpAddr>, OutboundError> {
        let mut addresses = match host {
            UrlHost::Address(address) => vec![*address],
            UrlHost::Name(name) => {
                self.connector.resolve(name).await.map_err(OutboundError::Resolve)?
            }
        };
        if addresses.is_empty() {
            return Err(OutboundError::Resolve(io::Error::other("no address found")));
        }
        addresses.retain(|address| self.policy.admits(host, *address));
        addresses.truncate(MAX_ADDRESSES);
        if addresses.is_empty() { Err(OutboundError::NotAllowed) } else { Ok(addresses) }
    }

    /// Connects to the first address that accepts. Each gets an equal share of the time, so that an
    /// address that never answers does not keep the others from being used.
    async fn dial(
        &self,
        addresses: &[IpAddr],
        port: u16,
        limit: Duration,
    ) -> Result<Box<dyn ByteStream>, OutboundError> {
        let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut last = OutboundError::NotAllowed;
        for address in addresses {
            let connecting = self.connector.connect(SocketAddr::new(*address, port));
            last = match tokio::time::timeout(share, connecting).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => OutboundError::Connect(error),
                Err(_) => OutboundError::Timeout(limit),
            };
        }
        Err(last)
    }
}

/// The host as the name in a certificate.
pub(super) fn server_name(host: &UrlHost) -> Result<ServerName<'static>, OutboundError> {
    let name = match host {
        UrlHost::Name(name) => ServerName::try_from(name.clone()),
        UrlHost::Address(address) => Ok(ServerName::from(*address)),
    };
    name.map_err(|error| OutboundError::Tls(io::Error::other(error)))
}

fn verifier(authorities: &Authorities) -> Option<Arc<WebPkiServerVerifier>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiServerVerifier::builder_with_provider(authorities.0.clone(), provider).build().ok()
}

/// TLS 1.2 and 1.3, for HTTP/1.1. `None` if the cryptography library supports neither.
fn tls_connector(verifier: Arc<dyn ServerCertVerifier>) -> Option<TlsConnector> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(TlsConnector::from(Arc::new(config)))
}

/// The request as hyper sends it.
fn message(request: &HttpRequest<'_>) -> Result<hyper::Request<Full<Bytes>>, OutboundError> {
    let body = Full::new(Bytes::copy_from_slice(request.body));
    let builder = hyper::Request::builder().method(request.method).uri(request.url.path().reveal());
    let mut message = builder.body(body).map_err(|_| OutboundError::InvalidRequest)?;
    let host = HeaderValue::from_str(&request.url.authority())
        .map_err(|_| OutboundError::InvalidRequest)?;
    let headers = message.headers_mut();
    headers.insert(HOST, host);
    for (name, value) in request.headers {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| OutboundError::InvalidRequest)?;
        let mut value =
            HeaderValue::from_str(value.reveal()).map_err(|_| OutboundError::InvalidRequest)?;
        value.set_sensitive(true);
        if name != HOST {
            headers.append(name, value);
        }
    }
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(PRODUCT));
    Ok(message)
}

/// Reads a body up to a maximum size, whether its length was announced or not.
async fn read_body(mut body: Incoming, most: usize) -> Result<Vec<u8>, OutboundError> {
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(OutboundError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        let Some(piece) = frame.data_ref() else { continue };
        if piece.len() > most - bytes.len() {
            return Err(OutboundError::TooLarge);
        }
        bytes.extend_from_slice(piece);
    }
    Ok(bytes)
}

/// A time limit that several steps share.
struct Deadline {
    timer: Pin<Box<Sleep>>,
    limit: Duration,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self { timer: Box::pin(tokio::time::sleep(limit)), limit }
    }

    /// Runs a step until it ends or the time is up.
    async fn cut<T>(
        &mut self,
        step: impl Future<Output = Result<T, OutboundError>>,
    ) -> Result<T, OutboundError> {
        tokio::select! {
            biased;
            result = step => result,
            () = &mut self.timer => Err(OutboundError::Timeout(self.limit)),
        }
    }
}
