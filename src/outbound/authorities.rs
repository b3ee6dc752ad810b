//! The certificate authorities that vouch for other servers: the public ones, or those in a file.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// Certificate authorities. Clones share them.
#[derive(Clone)]
pub struct Authorities(pub(super) Arc<RootCertStore>);

impl Authorities {
    /// Those that browsers trust.
    #[must_use]
    pub fn public() -> Self {
        Self(Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }))
    }

    /// Those in a file in PEM, and no others.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub fn in_file(path: &Path) -> Result<Self, String> {
        let text = fs::read(path).map_err(|error| error.to_string())?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let added = certificate.map_err(|error| error.to_string());
            added.and_then(|one| roots.add(one).map_err(|error| error.to_string()))?;
        }
        if roots.is_empty() {
            Err("it has no certificate in PEM".to_owned())
        } else {
            Ok(Self(Arc::new(roots)))
        }
    }

    /// These and the public ones.
    #[must_use]
    pub fn with_public(&self) -> Self {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.extend(self.0.roots.iter().cloned());
        Self(Arc::new(roots))
    }
}
