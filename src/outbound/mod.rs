//! HTTP requests to other servers: the only module that sends any. It also looks at their certificates
//! and asks for DNS records.
//!
//! A request connects only to public addresses and to hosts that its [`OutboundPolicy`] allows. The
//! host name is resolved once, each address is checked, and the connection goes to a checked
//! address, so a name that resolves differently later changes nothing (DNS rebinding). Redirects
//! are returned, never followed. Time and size are limited.

mod authorities;
mod certificate;
mod client;
mod connector;
mod dns;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod handshake;
mod pinned;
mod policy;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hyper::HeaderMap;

use crate::model::{HttpUrl, Secret};

pub use authorities::Authorities;
pub use certificate::{CertificateRefusal, ShownCertificate};
pub use client::HttpClient;
pub use connector::{ByteStream, Connector, SystemConnector};
pub use dns::{DnsError, NameServer, RecordKind};
pub use error::OutboundError;
pub use handshake::{CertificateCheck, HandshakeVerifier, ShownChain};
pub use policy::{OutboundPolicy, UrlSchemes};

/// A request. It has no `Debug`: headers and body may contain secrets.
pub struct HttpRequest<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// The URL.
    pub url: &'a HttpUrl,
    /// Headers besides `Host`, which comes from the URL.
    pub headers: &'a [(String, Secret)],
    /// The body; empty for none.
    pub body: &'a [u8],
}

/// How long a request may take and how large its response may be.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// The time until the connection is usable: name resolution, TCP and TLS.
    pub connect: Duration,
    /// The time of the whole request, including `connect` and the response's body.
    pub total: Duration,
    /// The largest body of a response, in bytes.
    pub max_body: usize,
}

/// A response. Its body may have failed after the status had arrived.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status, 3xx included.
    pub status: u16,
    headers: HeaderMap,
    /// The body, or why it did not arrive whole: too large, too late or cut off.
    pub body: Result<Vec<u8>, OutboundError>,
}

impl HttpResponse {
    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
