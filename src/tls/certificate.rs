//! One certificate with its chain and private key: parsed, and checked as clients will check it.

use std::sync::Arc;

use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error as TlsError, InconsistentKeys};

use crate::model::{Time, Validity};

/// A certificate with its chain and private key.
#[derive(Debug)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    validity: Validity,
}

/// Which part of a certificate cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableCertificate {
    pub part: CertificatePart,
    pub reason: String,
}

/// The two parts of a certificate, which are files of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificatePart {
    Chain,
    Key,
}

impl Certificate {
    /// Parses a chain and a private key in PEM, and checks that they belong together.
    ///
    /// # Errors
    /// Which of them is no good, and why.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, UnusableCertificate> {
        let of_chain =
            |reason: String| UnusableCertificate { part: CertificatePart::Chain, reason };
        let of_key = |reason: String| UnusableCertificate { part: CertificatePart::Key, reason };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| of_chain(format!("it is not valid PEM: {error}")))?;
        let Some(first) = chain.first() else {
            return Err(of_chain("it has no certificate in PEM".to_owned()));
        };
        let not_x509 =
            || of_chain("its first certificate is not a valid X.509 certificate".to_owned());
        let validity = Validity::of(first).ok_or_else(not_x509)?;
        ParsedCertificate::try_from(first).map_err(|_| not_x509())?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| of_key("it has no private key in PEM without a password".to_owned()))?;
        let key = any_supported_type(&key).map_err(|_| {
            of_key("its key is none that TLS can use (RSA, ECDSA, Ed25519)".to_owned())
        })?;
        let certified = CertifiedKey::new(chain, key);
        if let Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) =
            certified.keys_match()
        {
            return Err(of_key("its key is not the one of the certificate".to_owned()));
        }
        Ok(Self { certified: Arc::new(certified), validity })
    }

    /// When it expires.
    #[must_use]
    pub fn expires(&self) -> Time {
        self.validity.expires
    }

    /// When it begins to be valid.
    #[must_use]
    pub fn begins(&self) -> Time {
        self.validity.begins
    }

    /// Why clients that ask for this host at this time would refuse it, if they would.
    #[must_use]
    pub fn refusal(&self, host: &str, now: Time) -> Option<String> {
        if now > self.validity.expires {
            return Some(format!("it expired at {}", self.validity.expires));
        }
        if now < self.validity.begins {
            return Some(format!("it is valid only from {} on", self.validity.begins));
        }
        let name = ServerName::try_from(host).ok();
        let end = self.certified.end_entity_cert().ok();
        let end = end.and_then(|end| ParsedCertificate::try_from(end).ok());
        let is_named =
            name.zip(end).is_some_and(|(name, end)| verify_server_name(&end, &name).is_ok());
        (!is_named).then(|| format!("it is not for {host}, the host of server.public_url"))
    }

    /// What the TLS library uses.
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    /// Whether both are the same certificate.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}
