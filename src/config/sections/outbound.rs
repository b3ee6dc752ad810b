//! `[outbound]`: which other servers authd may call by HTTP although their addresses are not
//! public.

use std::net::IpAddr;

use crate::config::Network;
use crate::config::reader::ConfigReader;
use crate::model::UrlHost;

section! {
    /// `[outbound]`: HTTP requests to other servers.
    pub struct Outbound = "outbound" {
        /// The hosts that may have private, loopback or reserved addresses.
        allow: Vec<AllowedHost> = list(
            "host names, addresses or networks like 10.1.0.0/16",
            AllowedHost::parse,
        );
    }
}

/// A host that may have private, loopback or reserved addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHost {
    /// The host with this name, at all of its addresses.
    Name(String),
    /// Every host with an address in this network.
    Network(Network),
}

impl Outbound {
    pub(in crate::config) fn validate(&self, r: &mut ConfigReader) {
        let is_everything = |allowed: &AllowedHost| matches!(allowed, AllowedHost::Network(network) if network.bits == 0);
        if self.allow.iter().any(is_everything) {
            r.note("outbound.allow contains every address: URLs that users choose can reach your private networks");
        }
    }
}

impl AllowedHost {
    /// Parses a host name, an address or a network. Short and numeric forms of addresses are
    /// refused: `10.1` is more likely an unfinished network than `10.0.0.1`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(network) = Network::parse(text) {
            return Some(AllowedHost::Network(network));
        }
        UrlHost::parse(text).filter(|host| matches!(host, UrlHost::Name(_))).map(Self::from)
    }

    /// True if a request to this host may connect to this address.
    #[must_use]
    pub fn admits(&self, host: &UrlHost, address: IpAddr) -> bool {
        match self {
            AllowedHost::Name(name) => matches!(host, UrlHost::Name(other) if other == name),
            AllowedHost::Network(network) => network.contains(address),
        }
    }
}

impl From<UrlHost> for AllowedHost {
    fn from(host: UrlHost) -> Self {
        match host {
            UrlHost::Name(name) => AllowedHost::Name(name),
            UrlHost::Address(address) => {
                let bits = if address.is_ipv4() { 32 } else { 128 };
                AllowedHost::Network(Network { address, bits })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(allowed: &str, host: &str, address: &str) -> bool {
        AllowedHost::parse(allowed)
            .unwrap()
            .admits(&UrlHost::parse(host).unwrap(), address.parse().unwrap())
    }

    #[test]
    fn a_name_admits_its_host_at_every_address() {
        assert!(admits("Gateway.Internal.", "gateway.internal", "10.0.0.1"));
        assert!(admits("localhost", "localhost", "::1"));
        assert!(!admits("gateway.internal", "a.gateway.internal", "10.0.0.1"));
        assert!(!admits("gateway.internal", "10.0.0.1", "10.0.0.1"));
    }

    #[test]
    fn a_network_admits_every_host_in_it() {
        assert!(admits("10.1.0.0/16", "gateway.internal", "10.1.2.3"));
        assert!(admits("10.1.0.0/16", "10.1.2.3", "::ffff:10.1.2.3"));
        assert!(!admits("10.1.0.0/16", "gateway.internal", "10.2.0.1"));
        assert!(admits("::1", "[::1]", "::1"));
    }

    #[test]
    fn an_address_of_a_url_admits_itself_only() {
        let allowed = AllowedHost::from(UrlHost::parse("127.1").unwrap());
        let host = UrlHost::parse("127.0.0.1").unwrap();
        assert!(allowed.admits(&host, "127.0.0.1".parse().unwrap()));
        assert!(!allowed.admits(&host, "127.0.0.2".parse().unwrap()));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "*",
            "*.example",
            "https://a.example",
            "a.example:80",
            "10.1",
            "2130706433",
            "10.0.0.0/33",
            "a b",
        ] {
            assert_eq!(AllowedHost::parse(bad), None, "{bad:?}");
        }
    }
}
