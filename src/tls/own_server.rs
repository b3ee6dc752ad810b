//! A client for the server of this configuration on this machine, over TLS if it speaks TLS. Besides what
//! public authorities vouch for it accepts the certificate that the server has in its files or its
//! database, so that no other program which listens there gets the question.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::acme::kept_chain;
use crate::config::{AllowedHost, Config};
use crate::env::{Env, Later};
use crate::error::Result;
use crate::model::{HttpUrl, Secret};
use crate::outbound::{
    ByteStream, Connector, HttpClient, HttpRequest, HttpResponse, OutboundError, OutboundPolicy,
    RequestLimits, UrlSchemes,
};
use crate::seal::MasterKey;
use crate::store::Store;

/// A client for the server on this machine.
pub struct OwnServer {
    client: Option<HttpClient>,
    origin: String,
    address: SocketAddr,
}

/// Connects to one address, not to the host of a URL.
struct OneAddress(SocketAddr);

impl Connector for OneAddress {
    fn resolve<'a>(&'a self, _name: &'a str) -> Later<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec![self.0.ip()]) })
    }

    fn connect(&self, _address: SocketAddr) -> Later<'_, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(self.0).await?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

impl OwnServer {
    /// The server of this configuration and database.
    ///
    /// # Errors
    /// `Unavailable` if the database cannot be read.
    pub async fn of(config: &Config, store: &Store, master: &MasterKey, env: &Env) -> Result<Self> {
        let address = config.server.local_address();
        let host = config.server.public_host().filter(|_| config.tls.is_on());
        let origin = match &host {
            Some(host) if address.port() == 443 => format!("https://{host}"),
            Some(host) => format!("https://{host}:{}", address.port()),
            None => format!("http://{address}"),
        };
        let pinned = match &config.tls.cert {
            Some(file) => first_in(file).into_iter().collect(),
            None if config.tls.acme.is_some() => {
                let chain = kept_chain(store, master, env).await?;
                chain.and_then(|chain| first(chain.as_bytes())).into_iter().collect()
            }
            None => Vec::new(),
        };
        let client = HttpUrl::parse(&origin).map(|url| {
            let allowed = vec![AllowedHost::from(url.host().clone())];
            let policy = OutboundPolicy::new(UrlSchemes::HttpAndHttps, allowed);
            HttpClient::with_connector(policy, Arc::new(OneAddress(address))).pinned_to(pinned)
        });
        Ok(Self { client, origin, address })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends it a GET request for this path.
    ///
    /// # Errors
    /// As [`HttpClient::send`].
    pub async fn get(
        &self,
        path: &str,
        headers: &[(String, Secret)],
        limits: RequestLimits,
    ) -> std::result::Result<HttpResponse, OutboundError> {
        let url = HttpUrl::parse(&format!("{}{path}", self.origin));
        let (Some(client), Some(url)) = (&self.client, url) else {
            return Err(OutboundError::InvalidRequest);
        };
        let request = HttpRequest { method: "GET", url: &url, headers, body: b"" };
        client.send(&request, limits).await
    }
}

/// The first certificate in a file, which is the server's own, in DER. What cannot be read is accepted
/// by no client.
fn first_in(file: &Path) -> Option<Vec<u8>> {
    first(&std::fs::read(file).ok()?)
}

fn first(chain: &[u8]) -> Option<Vec<u8>> {
    CertificateDer::from_pem_slice(chain).ok().map(|certificate| certificate.to_vec())
}
