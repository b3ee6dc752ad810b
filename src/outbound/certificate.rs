//! Looks at the certificate that a server shows: whether browsers accept it, and until when. The
//! connection is closed after the handshake; nothing is sent over it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::client::{HttpClient, server_name};
use super::error::OutboundError;
use crate::model::{HttpUrl, Validity};

/// The certificate that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    pub validity: Validity,
    /// How many certificates the server sent, its own included.
    pub chain: usize,
    /// Why it is not accepted, if it is not.
    pub refusal: Option<String>,
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
        let roots: Arc<RootCertStore> = self.roots();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| OutboundError::Tls(std::io::Error::other(error)))?;
        let observer = Arc::new(Observer { verifier, seen: Mutex::default() });
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
        let mut seen = observer.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *seen) {
            Seen::Certificate(shown) => Ok(shown),
            Seen::Unreadable => {
                Err(OutboundError::Tls(std::io::Error::other("the certificate cannot be read")))
            }
            Seen::Nothing => Err(shaken.err().unwrap_or(OutboundError::Timeout(limit))),
        }
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

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verified = self.verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        let shown = Validity::of(end_entity).map(|validity| ShownCertificate {
            validity,
            chain: intermediates.len() + 1,
            refusal: verified.as_ref().err().map(ToString::to_string),
        });
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            shown.map_or(Seen::Unreadable, Seen::Certificate);
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
