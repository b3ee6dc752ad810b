//! How a request from outside arrived at the server: what `authd doctor` learns about the proxies in
//! front of it.

use std::net::IpAddr;

use serde_json::{Value, json};

/// What a server saw of a request that the doctor sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Shows that the server has the same master key as the doctor.
    pub proof: String,
    /// The server's version.
    pub version: String,
    /// The address that the connection came from.
    pub peer: IpAddr,
    /// Whether the peer is one of `server.trusted_proxies`.
    pub is_peer_trusted: bool,
    /// The address that limits count.
    pub client_ip: IpAddr,
    /// The `Host` header.
    pub host: String,
    /// Such as `HTTP/1.1`.
    pub http_version: String,
    /// The headers that proxies add, as they arrived.
    pub forwarded: Vec<(String, String)>,
}

impl Arrival {
    /// The first value of a header that proxies add.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.forwarded.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// As the server answers it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "proof": self.proof,
            "version": self.version,
            "peer": self.peer.to_string(),
            "peer_trusted": self.is_peer_trusted,
            "client_ip": self.client_ip.to_string(),
            "host": self.host,
            "http_version": self.http_version,
            "forwarded": self.forwarded,
        })
    }

    /// Reads the server's answer.
    #[must_use]
    pub fn from_json(text: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(text).ok()?;
        let word = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            proof: word("proof")?,
            version: word("version")?,
            peer: word("peer")?.parse().ok()?,
            is_peer_trusted: value.get("peer_trusted")?.as_bool()?,
            client_ip: word("client_ip")?.parse().ok()?,
            host: word("host")?,
            http_version: word("http_version")?,
            forwarded: serde_json::from_value(value.get("forwarded")?.clone()).ok()?,
        })
    }
}
