//! Asks, as the authority will, whether the name leads to this server, or to one that shares the database
//! with it, before anything is ordered:
//! failed orders count against the server, and a mistake in DNS is the usual reason for them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};

use super::challenges::{ACME_TLS, ChallengeAnswers, HTTP_PATH};
use crate::config::AllowedHost;
use crate::env::Env;
use crate::error::Result;
use crate::model::{HttpUrl, Secret};
use crate::outbound::{
    Connector, HttpClient, HttpRequest, OutboundPolicy, RequestLimits, UrlSchemes,
};
use crate::tls::probe::verified_by;

/// The time for one address.
const LIMIT: Duration = Duration::from_secs(10);
/// How many addresses of the name are asked.
const MAX_ADDRESSES: usize = 8;

/// How an authority can make sure that the name leads to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChallengeRoad {
    /// By a handshake with the port of the public URL.
    Handshake,
    /// By plain HTTP, which is this server's too.
    Http,
}

/// Where the name leads.
pub(super) struct SelfCheck {
    pub host: String,
    /// The port of the public URL.
    pub tls_port: u16,
    /// The port for plain HTTP, if the server has one.
    pub http_port: Option<u16>,
    pub connector: Arc<dyn Connector>,
    pub answers: ChallengeAnswers,
    pub env: Env,
}

/// Accepts one certificate, which this server has just made. Its signature proves nothing that matters
/// here, and its critical extension is none that the library's own checks know.
#[derive(Debug)]
struct ThisCertificate(Vec<u8>);

impl ServerCertVerifier for ThisCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, TlsError> {
        if end_entity.as_ref() == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(TlsError::InvalidCertificate(CertificateError::UnknownIssuer))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// What is at an address.
enum FoundServer {
    ThisOne,
    Another,
    /// Nothing answers; the authority will use another address too.
    None(String),
}

impl SelfCheck {
    /// The road by which the name leads here, or in words why there is none.
    pub(super) async fn road(&self) -> Result<std::result::Result<ChallengeRoad, String>> {
        let addresses = match self.connector.resolve(&self.host).await {
            Ok(addresses) if !addresses.is_empty() => addresses,
            Ok(_) => return Ok(Err(format!("{} has no address", self.host))),
            Err(error) => return Ok(Err(format!("{} cannot be resolved: {error}", self.host))),
        };
        let (answer, certificate) =
            self.answers.give_handshake(&self.host, &self.env.random::<32>()?).await?;
        let (mut here, mut not_here) = (0_usize, None);
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            let address = SocketAddr::new(address, self.tls_port);
            match self.shake_hands(address, &certificate).await {
                FoundServer::ThisOne => here += 1,
                FoundServer::Another => {
                    not_here = Some(format!(
                        "{} leads to {address}, where another server answers",
                        self.host
                    ));
                }
                FoundServer::None(why) => {
                    let why =
                        format!("{address}, to which {} leads, does not answer: {why}", self.host);
                    not_here.get_or_insert(why);
                }
            }
        }
        answer.withdraw().await;
        match not_here {
            None => Ok(Ok(ChallengeRoad::Handshake)),
            // An address of another family that this machine cannot reach is no proof.
            Some(why) if here > 0 && !why.contains("another server") => {
                tracing::warn!("{why}; others do");
                Ok(Ok(ChallengeRoad::Handshake))
            }
            Some(why) => match self.http_port {
                Some(port) if self.asks_here(port).await? => Ok(Ok(ChallengeRoad::Http)),
                _ => Ok(Err(why)),
            },
        }
    }

    /// Whether a handshake as the authority makes it shows the certificate that this server has just
    /// made.
    async fn shake_hands(&self, address: SocketAddr, expected: &[u8]) -> FoundServer {
        let shaking = async {
            let stream = self.connector.connect(address).await?;
            let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
            let verifier = Arc::new(ThisCertificate(expected.to_vec()));
            let connector = TlsConnector::from(Arc::new(verified_by(verifier, ACME_TLS)?));
            // A server that does not know the protocol refuses the handshake.
            Ok::<_, io::Error>(connector.connect(name, stream).await.is_ok())
        };
        match tokio::time::timeout(LIMIT, shaking).await {
            Ok(Ok(true)) => FoundServer::ThisOne,
            Ok(Ok(false)) => FoundServer::Another,
            Ok(Err(error)) => FoundServer::None(error.to_string()),
            Err(_) => FoundServer::None(format!("nothing came in {LIMIT:?}")),
        }
    }

    /// Whether a request by plain HTTP as the authority makes it reaches this server.
    async fn asks_here(&self, port: u16) -> Result<bool> {
        let (token, text) = (self.env.new_token()?, self.env.new_token()?);
        let url = format!("http://{}:{port}{HTTP_PATH}{token}", self.host);
        let Some(url) = HttpUrl::parse(&url) else { return Ok(false) };
        let allow = vec![AllowedHost::from(url.host().clone())];
        let policy = OutboundPolicy::new(UrlSchemes::HttpAndHttps, allow);
        let client = HttpClient::with_connector(policy, self.connector.clone());
        let headers: [(String, Secret); 0] = [];
        let request = HttpRequest { method: "GET", url: &url, headers: &headers, body: &[] };
        let limits = RequestLimits { connect: LIMIT, total: LIMIT, max_body: 1024 };
        let given = self.answers.give_text(&token, &text).await?;
        let answer = client.send(&request, limits).await;
        given.withdraw().await;
        Ok(answer.is_ok_and(|answer| answer.body.is_ok_and(|body| body == text.as_bytes())))
    }
}
