//! What a server shows to its clients: the certificate in force, which can be replaced while it
//! serves, and the rules of its handshakes.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::{self, Ticketer};
use tokio_rustls::rustls::server::{
    Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;

use super::acme::{ACME_TLS, ChallengeAnswers};
use super::certificate::Certificate;
use crate::error::{Error, Result};
use crate::metrics::Metrics;

/// The protocols of HTTP, the preferred one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [H2, b"http/1.1"];
const H2: &[u8] = b"h2";

/// What a server shows to its clients. Clones share their state.
#[derive(Clone)]
pub struct ServedCertificate {
    current: Arc<CurrentCertificate>,
    rules: Arc<ServerConfig>,
    answers: ChallengeAnswers,
    metrics: Metrics,
}

/// The certificate in force; none yet if there has never been one.
#[derive(Debug, Default)]
struct CurrentCertificate(RwLock<Option<Arc<Certificate>>>);

impl CurrentCertificate {
    fn get(&self) -> Option<Arc<Certificate>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.get().map(|certificate| certificate.certified())
    }
}

/// An encrypted connection, and the version of HTTP that both sides chose for it.
pub struct EncryptedStream {
    pub stream: TlsStream<TcpStream>,
    pub http: HttpVersion,
}

/// A version of HTTP, as a client and a server agree on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    Http1,
    Http2,
}

impl ServedCertificate {
    /// Shows nothing yet.
    ///
    /// # Errors
    /// `Internal` if the cryptography library does not work.
    pub fn none(metrics: &Metrics) -> Result<Self> {
        let current = Arc::new(CurrentCertificate::default());
        let failed = |error| Error::internal("TLS is not available").caused_by(error);
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        // TLS 1.2 and 1.3.
        let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
        let mut rules = builder.with_no_client_auth().with_cert_resolver(current.clone());
        rules.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        // A client that comes again brings what the server would have to remember, sealed.
        rules.ticketer = Ticketer::new().map_err(failed)?;
        rules.session_storage = Arc::new(NoServerSessionStorage {});
        let answers = ChallengeAnswers::default();
        Ok(Self { current, rules: Arc::new(rules), answers, metrics: metrics.clone() })
    }

    /// Shows this certificate from the next handshake on. Open connections keep theirs.
    pub fn show(&self, certificate: Certificate) {
        self.metrics.note_certificate(certificate.begins(), certificate.expires());
        let mut current = self.current.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(certificate));
    }

    /// The certificate in force.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Certificate>> {
        self.current.get()
    }

    /// The answers to the challenges of an authority.
    #[must_use]
    pub fn answers(&self) -> ChallengeAnswers {
        self.answers.clone()
    }

    /// Completes the handshake of a new connection; `None` if it was an authority's challenge, which
    /// is answered.
    ///
    /// # Errors
    /// If the client does not speak TLS 1.2 or 1.3, or goes away.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Option<EncryptedStream>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let challenged = challenged_host(&hello.client_hello());
        if let Some(rules) = self.answer(challenged).await {
            hello.into_stream(rules).await?.shutdown().await?;
            return Ok(None);
        }
        let stream = hello.into_stream(self.rules.clone()).await?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
        let http = if is_h2 { HttpVersion::Http2 } else { HttpVersion::Http1 };
        Ok(Some(EncryptedStream { stream, http }))
    }

    async fn answer(&self, challenged: Option<String>) -> Option<Arc<ServerConfig>> {
        self.answers.handshake(&challenged?).await
    }
}

/// The host for which a handshake asks for the protocol of challenges.
fn challenged_host(hello: &ClientHello<'_>) -> Option<String> {
    let is_challenge = hello.alpn()?.eq([ACME_TLS]);
    hello.server_name().filter(|_| is_challenge).map(str::to_owned)
}
