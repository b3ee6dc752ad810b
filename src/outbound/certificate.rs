//! Looks at the certificate that a server shows: whether browsers accept it, and until when. The
//! connection is closed after the handshake; nothing is sent over it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError};

use super::client::{HttpClient, server_name};
use super::error::OutboundError;
use super::handshake::{CertificateCheck, HandshakeVerifier, ShownChain};
use crate::model::{HttpUrl, Validity};

/// The certificate that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// In DER.
    pub certificate: Vec<u8>,
    pub validity: Validity,
    /// How many certificates the server sent, its own included.
    pub chain: usize,
    /// Why it is not accepted, if it is not.
    pub refusal: Option<CertificateRefusal>,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateRefusal {
    /// It is for the host, and no known authority vouches for it.
    UnknownAuthority,
    Other(String),
}

impl HttpClient {
    /// The certificate at the host and port of a URL.
    ///
    /// # Errors
    /// As in [`OutboundError`] if there is no connection, or no certificate in it that can be read.
    pub async fn certificate(
        &self,
        url: &HttpUrl,
        limit: Duration,
    ) -> Result<ShownCertificate, OutboundError> {
        let invalid = |error: TlsError| OutboundError::Tls(std::io::Error::other(error));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = self
            .verifier()
            .ok_or_else(|| OutboundError::Tls(std::io::Error::other("TLS is not available")))?;
        let observer = Observer { verifier, seen: Mutex::default() };
        let observer = Arc::new(HandshakeVerifier::new(observer));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .dangerous()
            .with_custom_certificate_verifier(observer.clone())
            .with_no_client_auth();
        let shake = async {
            let stream = self.stream(url, limit).await?;
            let connector = TlsConnector::from(Arc::new(config));
            let shaken = connector.connect(server_name(url.host())?, stream).await;
            shaken.map(drop).map_err(OutboundError::Tls)
        };
        let shaken = match tokio::time::timeout(limit, shake).await {
            Ok(shaken) => shaken,
            Err(_) => Err(OutboundError::Timeout(limit)),
        };
        let mut seen = observer.check.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *seen) {
            Seen::Certificate(shown) => Ok(shown),
            Seen::Unreadable => {
                Err(OutboundError::Tls(std::io::Error::other("the certificate cannot be read")))
            }
            Seen::Nothing => Err(shaken.err().unwrap_or(OutboundError::Timeout(limit))),
        }
    }
}

/// Of a certificate whose authority is unknown, the name was not compared yet.
fn refusal(
    error: &TlsError,
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
) -> CertificateRefusal {
    if !matches!(error, TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) {
        return CertificateRefusal::Other(error.to_string());
    }
    match ParsedCertificate::try_from(certificate).and_then(|one| verify_server_name(&one, name)) {
        Ok(()) => CertificateRefusal::UnknownAuthority,
        Err(error) => CertificateRefusal::Other(error.to_string()),
    }
}

/// Remembers what it verifies. What it does not accept ends the handshake.
#[derive(Debug)]
struct Observer {
    verifier: Arc<WebPkiServerVerifier>,
    seen: Mutex<Seen>,
}

/// What a server showed.
#[derive(Debug, Default)]
enum Seen {
    #[default]
    Nothing,
    /// Something that is no certificate.
    Unreadable,
    Certificate(ShownCertificate),
}

impl CertificateCheck for Observer {
    fn check(&self, shown: &ShownChain<'_>) -> Result<(), TlsError> {
        let verified = shown.verified_by(&*self.verifier);
        let certificate = shown.certificate;
        let seen = Validity::of(certificate).map(|validity| ShownCertificate {
            certificate: certificate.to_vec(),
            validity,
            chain: shown.intermediates.len() + 1,
            refusal: verified.as_ref().err().map(|error| refusal(error, certificate, shown.name)),
        });
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            seen.map_or(Seen::Unreadable, Seen::Certificate);
        verified
    }
}
