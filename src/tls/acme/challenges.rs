//! Answers to the challenges of a certificate authority (RFC 8555, section 8.3; RFC 8737), for as
//! long as it may ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs::{self, sign::any_supported_type};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::ServerConfig;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use zeroize::Zeroizing;

use super::kept::AcmeEntries;
use super::shared_answers::{DueBody, SharedAnswers};
use crate::error::{Error, Result};
use crate::model::secret;

/// The protocol that an authority asks for in a handshake (RFC 8737, section 6.2).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// The path below which an authority asks by plain HTTP.
pub const HTTP_PATH: &str = "/.well-known/acme-challenge/";

/// The answers that are due now. Clones share their state.
#[derive(Clone, Default)]
pub struct ChallengeAnswers(Arc<KnownAnswers>);

#[derive(Default)]
struct KnownAnswers {
    /// Those of this server.
    own: Mutex<Answers>,
    /// That of the servers which share a database.
    shared: OnceLock<SharedAnswers>,
}

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
    /// Gives them together with the servers that share the database.
    pub(super) fn share(&self, entries: AcmeEntries) {
        let _ = self.0.shared.set(SharedAnswers::of(entries));
    }

    /// How to answer a handshake for this host that asks for `ACME_TLS`.
    pub async fn handshake(&self, host: &str) -> Option<Arc<ServerConfig>> {
        let own = self.lock().handshakes.get(&host.to_ascii_lowercase()).cloned();
        match (own, self.0.shared.get()) {
            (None, Some(shared)) => shared.handshake(host).await,
            (own, _) => own,
        }
    }

    /// The answer to a request for this path.
    pub async fn text(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(HTTP_PATH)?;
        let own = self.lock().texts.get(token).cloned();
        match (own, self.0.shared.get()) {
            (None, Some(shared)) => shared.text(token).await,
            (own, _) => own,
        }
    }

    /// Answers handshakes for this host with a certificate that has this digest, and returns the
    /// certificate in DER. When this returns, all servers do.
    ///
    /// # Errors
    /// `Internal` if no certificate can be made; `Unavailable` if the others cannot be told.
    pub(super) async fn give_handshake(
        &self,
        host: &str,
        digest: &[u8; 32],
    ) -> Result<(GivenAnswer, Vec<u8>)> {
        let failed = |error| Error::internal("making a certificate failed").caused_by(error);
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().to_vec();
        let key = Zeroizing::new(key.serialize_der());
        let rules = rules(certificate.clone(), key.to_vec())?;
        let host = host.to_ascii_lowercase();
        self.lock().handshakes.insert(host.clone(), Arc::new(rules));
        let given = self.given(host.clone(), AnswerKind::Handshake);
        if let Some(shared) = self.0.shared.get() {
            let (certificate, key) = (secret::encode(&certificate), secret::encode(&key));
            shared.give(DueBody::Handshake { host, certificate, key }).await?;
        }
        Ok((given, certificate))
    }

    /// Answers requests for this token with this text. When this returns, all servers do.
    ///
    /// # Errors
    /// `Unavailable` if the others cannot be told.
    pub(super) async fn give_text(&self, token: &str, text: &str) -> Result<GivenAnswer> {
        let (token, text) = (token.to_owned(), text.to_owned());
        self.lock().texts.insert(token.clone(), text.clone());
        let given = self.given(token.clone(), AnswerKind::Text);
        if let Some(shared) = self.0.shared.get() {
            shared.give(DueBody::Text { token, text }).await?;
        }
        Ok(given)
    }

    fn given(&self, key: String, kind: AnswerKind) -> GivenAnswer {
        GivenAnswer { answers: self.clone(), key, kind }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How to answer handshakes with this certificate and key, both in DER. Its extension is critical, so no
/// parser accepts it but the authority's.
///
/// # Errors
/// `Internal` if they cannot be used.
pub(super) fn rules(certificate: Vec<u8>, key: Vec<u8>) -> Result<ServerConfig> {
    let failed = |error| Error::internal("TLS is not available").caused_by(error);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    let key = any_supported_type(&key).map_err(failed)?;
    let certified = SingleCertAndKey::from(CertifiedKey::new(vec![certificate.into()], key));
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
    let mut rules = builder.with_no_client_auth().with_cert_resolver(Arc::new(certified));
    rules.alpn_protocols = vec![ACME_TLS.to_vec()];
    rules.send_tls13_tickets = 0;
    Ok(rules)
}

impl GivenAnswer {
    /// No server gives it any more.
    pub(super) async fn withdraw(self) {
        if let Some(shared) = self.answers.0.shared.get() {
            shared.withdraw().await;
        }
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
