//! Why a request to another server failed, in words that may be logged and stored.

use std::time::Duration;
use std::{fmt, io};

/// Why there is no response. Its text contains nothing of the request: no path, query, header or
/// body.
#[derive(Debug)]
pub enum OutboundError {
    /// The URL uses `http`, and the policy requires `https`.
    HttpsRequired,
    /// The host has no address that the policy admits.
    NotAllowed,
    /// The method or a header is malformed.
    InvalidRequest,
    /// The host name has no address.
    Resolve(io::Error),
    /// None of the addresses accepts a connection.
    Connect(io::Error),
    /// The TLS handshake failed; an invalid certificate is the usual reason.
    Tls(io::Error),
    /// A time limit was exceeded.
    Timeout(Duration),
    /// The response's header or body is larger than allowed.
    TooLarge,
    /// The connection broke, or the response is not valid HTTP/1.1.
    Http(String),
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboundError::HttpsRequired => f.write_str("the URL must use https"),
            OutboundError::NotAllowed => {
                f.write_str("the host has no public address, and outbound.allow does not list it")
            }
            OutboundError::InvalidRequest => {
                f.write_str("the request's method or a header is malformed")
            }
            OutboundError::Resolve(error) => write!(f, "the host name cannot be resolved: {error}"),
            OutboundError::Connect(error) => write!(f, "connecting failed: {error}"),
            OutboundError::Tls(error) => write!(f, "TLS failed: {error}"),
            OutboundError::Timeout(limit) => write!(f, "no response in {limit:?}"),
            OutboundError::TooLarge => f.write_str("the response is larger than allowed"),
            OutboundError::Http(error) => write!(f, "HTTP failed: {error}"),
        }
    }
}

impl std::error::Error for OutboundError {}

impl From<hyper::Error> for OutboundError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse_too_large() { Self::TooLarge } else { Self::Http(error.to_string()) }
    }
}
