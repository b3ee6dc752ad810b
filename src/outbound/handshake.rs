//! What a client verifies in a TLS handshake: always that the server has the key of the certificate it
//! shows, and by a [`CertificateCheck`] whether that certificate is accepted.

use std::fmt::Debug;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{DigitallySignedStruct, Error as TlsError, SignatureScheme};

/// The certificate that a server shows in a handshake, and for what it must be valid.
pub struct ShownChain<'a> {
    pub certificate: &'a CertificateDer<'a>,
    /// What the server sent to link its certificate to an authority.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The name by which the server was asked for.
    pub name: &'a ServerName<'a>,
    pub ocsp: &'a [u8],
    pub now: UnixTime,
}

impl ShownChain<'_> {
    /// What another verifier says of the certificate.
    ///
    /// # Errors
    /// Why it does not accept it.
    pub fn verified_by(&self, verifier: &dyn ServerCertVerifier) -> Result<(), TlsError> {
        verifier
            .verify_server_cert(
                self.certificate,
                self.intermediates,
                self.name,
                self.ocsp,
                self.now,
            )
            .map(drop)
    }
}

/// Decides whether the certificate of a server is accepted.
pub trait CertificateCheck: Debug + Send + Sync {
    /// # Errors
    /// Why it is not. This ends the handshake.
    fn check(&self, shown: &ShownChain<'_>) -> Result<(), TlsError>;
}

/// Verifies that a server has the key of its certificate, and leaves the certificate to a check.
#[derive(Debug)]
pub struct HandshakeVerifier<C> {
    pub(super) check: C,
    algorithms: WebPkiSupportedAlgorithms,
}

impl<C: CertificateCheck> HandshakeVerifier<C> {
    #[must_use]
    pub fn new(check: C) -> Self {
        Self { check, algorithms: aws_lc_rs::default_provider().signature_verification_algorithms }
    }
}

impl<C: CertificateCheck> ServerCertVerifier for HandshakeVerifier<C> {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let shown = ShownChain { certificate, intermediates, name, ocsp, now };
        self.check.check(&shown).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
