//! Where a request comes from, as limits, sessions and the audit log see it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::language::LanguageTag;
use super::text;

/// The most characters of a reason that an administrator gives.
pub const LONGEST_REASON: usize = 200;

/// A client IP as limits count it: an IPv4 address or an IPv6 /64 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientIp(IpAddr);

impl ClientIp {
    /// The client IP of an address. IPv4-mapped IPv6 addresses count as IPv4.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IpAddr::V4(v4)),
            IpAddr::V6(v6) => {
                Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))))
            }
        }
    }

    /// A substitute for a caller that is not counted by its IP, derived from a keyed digest. It
    /// lies in the discard-only network (RFC 6666), so no real packet comes from it.
    #[must_use]
    pub fn stand_in(digest: &[u8; 32]) -> Self {
        let low = digest.iter().take(8).fold(0_u64, |low, byte| (low << 8) | u64::from(*byte)) | 1;
        Self(IpAddr::V6(Ipv6Addr::from_bits((0x0100 << 112) | u128::from(low))))
    }

    /// The address, or the first address of its network.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }

    /// The address as bytes, for deriving keys.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        match self.0 {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        }
    }
}

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => write!(f, "{v4}"),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

/// Who sent a request, as far as its client IP tells users apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestSender {
    /// A user's own program.
    #[default]
    Client,
    /// A service, identified by its key, that acts for all its users from one client IP.
    Service,
}

impl RequestSender {
    /// Whether this is [`RequestSender::Client`].
    #[must_use]
    pub fn is_client(&self) -> bool {
        *self == Self::Client
    }
}

/// The origin of an operation: a request's client or the command line.
#[derive(Debug, Clone)]
pub struct Source {
    /// `None` on the command line.
    pub address: Option<IpAddr>,
    /// The User-Agent header as sent, truncated.
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    pub sender: RequestSender,
    /// The language that the client wishes for, among those of the server.
    pub language: Option<LanguageTag>,
    /// Why an administrator does it, in their words, for the audit log.
    pub reason: Option<String>,
}

impl Source {
    /// The source of an operation run from the command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self {
            address: None,
            user_agent: None,
            request_id: None,
            sender: RequestSender::Client,
            language: None,
            reason: None,
        }
    }

    /// The same source with the reason that an administrator gives: one line, cut to
    /// [`LONGEST_REASON`] characters.
    #[must_use]
    pub fn because(&self, reason: &str) -> Self {
        let reason: String = reason.trim().chars().take(LONGEST_REASON).collect();
        let reason = reason.replace(text::is_control, " ");
        let reason = Some(reason).filter(|reason| !reason.trim().is_empty());
        Self { reason, ..self.clone() }
    }

    /// The client IP that limits count; the command line counts as loopback.
    #[must_use]
    pub fn client(&self) -> ClientIp {
        ClientIp::of(self.address.unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_counts_by_network_and_mapped_ipv4_as_ipv4() {
        let client = |text: &str| ClientIp::of(text.parse().unwrap());
        assert_eq!(client("2001:db8:1:2:3::4"), client("2001:db8:1:2::9"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    }
}
