//! Answers to the challenges of a certificate authority (RFC 8555, section 8.3; RFC 8737), for as
//! long as it may ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs::{self, sign::any_supported_type};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::ServerConfig;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::error::{Error, Result};

/// The protocol that an authority asks for in a handshake (RFC 8737, section 6.2).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// The path below which an authority asks by plain HTTP.
pub const HTTP_PATH: &str = "/.well-known/acme-challenge/";

/// The answers that are due now. Clones share their state.
#[derive(Clone, Default)]
pub struct ChallengeAnswers(Arc<Mutex<Answers>>);

#[derive(Default)]
struct Answers {
    /// By host.
    handshakes: HashMap<String, Arc<ServerConfig>>,
    /// By token.
    texts: HashMap<String, String>,
}

/// An answer that is given until this is dropped.
pub(super) struct GivenAnswer {
    answers: ChallengeAnswers,
    key: String,
    kind: AnswerKind,
}

#[derive(Clone, Copy)]
enum AnswerKind {
    Handshake,
    Text,
}

impl ChallengeAnswers {
    /// How to answer a handshake for this host that asks for `ACME_TLS`.
    #[must_use]
    pub fn handshake(&self, host: &str) -> Option<Arc<ServerConfig>> {
        self.lock().handshakes.get(&host.to_ascii_lowercase()).cloned()
    }

    /// The answer to a request for this path.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.lock().texts.get(path.strip_prefix(HTTP_PATH)?).cloned()
    }

    /// Answers handshakes for this host with a certificate that has this digest, and returns the
    /// certificate in DER.
    ///
    /// # Errors
    /// `Internal` if no certificate can be made.
    pub(super) fn give_handshake(
        &self,
        host: &str,
        digest: &[u8; 32],
    ) -> Result<(GivenAnswer, Vec<u8>)> {
        let failed = |error| Error::internal("making a certificate failed").caused_by(error);
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let failed = |error| Error::internal("TLS is not available").caused_by(error);
        // Its extension is critical, so no parser accepts it but the authority's.
        let key = any_supported_type(&key).map_err(failed)?;
        let certified = SingleCertAndKey::from(CertifiedKey::new(vec![certificate.clone()], key));
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
        let mut rules = builder.with_no_client_auth().with_cert_resolver(Arc::new(certified));
        rules.alpn_protocols = vec![ACME_TLS.to_vec()];
        rules.send_tls13_tickets = 0;
        let host = host.to_ascii_lowercase();
        self.lock().handshakes.insert(host.clone(), Arc::new(rules));
        Ok((self.given(host, AnswerKind::Handshake), certificate.to_vec()))
    }

    /// Answers requests for this token with this text.
    pub(super) fn give_text(&self, token: &str, text: &str) -> GivenAnswer {
        self.lock().texts.insert(token.to_owned(), text.to_owned());
        self.given(token.to_owned(), AnswerKind::Text)
    }

    fn given(&self, key: String, kind: AnswerKind) -> GivenAnswer {
        GivenAnswer { answers: self.clone(), key, kind }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GivenAnswer {
    fn drop(&mut self) {
        let mut answers = self.answers.lock();
        match self.kind {
            AnswerKind::Handshake => drop(answers.handshakes.remove(&self.key)),
            AnswerKind::Text => drop(answers.texts.remove(&self.key)),
        }
    }
}
