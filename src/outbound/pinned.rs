//! Accepts servers whose own certificate is known, besides those that public authorities vouch for.

use std::sync::Arc;

use tokio_rustls::rustls::Error as TlsError;
use tokio_rustls::rustls::client::WebPkiServerVerifier;

use super::handshake::{CertificateCheck, ShownChain};

/// Accepts these certificates, under any name and at any time, and otherwise what `public` accepts.
#[derive(Debug)]
pub(super) struct PinnedCertificates {
    /// In DER.
    pub pinned: Vec<Vec<u8>>,
    pub public: Arc<WebPkiServerVerifier>,
}

impl CertificateCheck for PinnedCertificates {
    fn check(&self, shown: &ShownChain<'_>) -> Result<(), TlsError> {
        if self.pinned.iter().any(|one| one == shown.certificate.as_ref()) {
            return Ok(());
        }
        shown.verified_by(&*self.public)
    }
}
