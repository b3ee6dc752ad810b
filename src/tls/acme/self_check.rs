//! Asks, as the authority will, whether the name leads to this server, before anything is ordered:
//! failed orders count against the server, and a mistake in DNS is the usual reason for them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::challenges::{ACME_TLS, ChallengeAnswers, HTTP_PATH};
use crate::config::AllowedHost;
use crate::env::Env;
use crate::error::Result;
use crate::model::{HttpUrl, Secret};
use crate::outbound::{
    Connector, HttpClient, HttpRequest, OutboundPolicy, RequestLimits, UrlSchemes,
};
use crate::tls::probe::accepting_any;

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
            self.answers.give_handshake(&self.host, &self.env.random::<32>()?)?;
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
        drop(answer);
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
            let connector = TlsConnector::from(Arc::new(accepting_any(ACME_TLS)?));
            // A server that does not know the protocol refuses the handshake.
            let Ok(stream) = connector.connect(name, stream).await else { return Ok(false) };
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            Ok::<_, io::Error>(shown.is_some_and(|shown| shown.as_ref() == expected))
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
        let _answer = self.answers.give_text(&token, &text);
        let url = format!("http://{}:{port}{HTTP_PATH}{token}", self.host);
        let Some(url) = HttpUrl::parse(&url) else { return Ok(false) };
        let allow = vec![AllowedHost::from(url.host().clone())];
        let policy = OutboundPolicy::new(UrlSchemes::HttpAndHttps, allow);
        let client = HttpClient::with_connector(policy, self.connector.clone());
        let headers: [(String, Secret); 0] = [];
        let request = HttpRequest { method: "GET", url: &url, headers: &headers, body: &[] };
        let limits = RequestLimits { connect: LIMIT, total: LIMIT, max_body: 1024 };
        let answer = client.send(&request, limits).await;
        Ok(answer.is_ok_and(|answer| answer.body.is_ok_and(|body| body == text.as_bytes())))
    }
}
