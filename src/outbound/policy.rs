//! Which URLs and addresses a request may use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::OutboundError;
use crate::config::{AllowedHost, Network};
use crate::model::{HttpUrl, UrlHost};

/// Whether a URL may be unencrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlSchemes {
    /// `https` only.
    Https,
    /// `http` too, for URLs that the operator configured.
    HttpAndHttps,
}

/// Which URLs and addresses the requests of a client may use.
#[derive(Debug, Clone)]
pub struct OutboundPolicy {
    schemes: UrlSchemes,
    allow: Vec<AllowedHost>,
}

impl OutboundPolicy {
    /// Allows these schemes, all public addresses, and the addresses of the listed hosts.
    #[must_use]
    pub fn new(schemes: UrlSchemes, allow: Vec<AllowedHost>) -> Self {
        Self { schemes, allow }
    }

    /// Refuses `http` URLs if the policy does.
    pub(super) fn check_scheme(&self, url: &HttpUrl) -> Result<(), OutboundError> {
        let is_allowed = url.is_https() || self.schemes == UrlSchemes::HttpAndHttps;
        if is_allowed { Ok(()) } else { Err(OutboundError::HttpsRequired) }
    }

    /// True if a request to the host may connect to the address.
    pub(super) fn admits(&self, host: &UrlHost, address: IpAddr) -> bool {
        is_public(address) || self.allow.iter().any(|allowed| allowed.admits(host, address))
    }
}

/// IPv4 networks that are not public hosts (IANA IPv4 Special-Purpose Address Registry).
const RESERVED_V4: [Network; 16] = [
    v4([0, 0, 0, 0], 8),        // "this network"; 0.0.0.0 connects to this machine
    v4([10, 0, 0, 0], 8),       // private
    v4([100, 64, 0, 0], 10),    // shared by carriers; metadata services of some clouds
    v4([127, 0, 0, 0], 8),      // loopback
    v4([168, 63, 129, 16], 32), // platform services of one cloud, reachable from all its machines
    v4([169, 254, 0, 0], 16),   // link-local; metadata services of most clouds
    v4([172, 16, 0, 0], 12),    // private
    v4([192, 0, 0, 0], 24),     // protocol assignments
    v4([192, 0, 2, 0], 24),     // documentation
    v4([192, 88, 99, 0], 24),   // 6to4 relays
    v4([192, 168, 0, 0], 16),   // private
    v4([198, 18, 0, 0], 15),    // benchmarks
    v4([198, 51, 100, 0], 24),  // documentation
    v4([203, 0, 113, 0], 24),   // documentation
    v4([224, 0, 0, 0], 4),      // multicast
    v4([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// The part of IPv6 in which public hosts are. Everything else is loopback, unspecified, private,
/// link-local, multicast, an embedded IPv4 address or unassigned.
const GLOBAL_V6: Network = v6([0x2000, 0], 3);

/// IPv6 networks within [`GLOBAL_V6`] that are not public hosts (IANA IPv6 Special-Purpose Address
/// Registry).
const RESERVED_V6: [Network; 4] = [
    v6([0x2001, 0], 23),     // protocol assignments, among them Teredo
    v6([0x2001, 0xdb8], 32), // documentation
    v6([0x2002, 0], 16),     // 6to4, which reaches any IPv4 address
    v6([0x3fff, 0], 20),     // documentation
];

/// Addresses that a NAT64 gateway translates to the IPv4 address in their last 32 bits (RFC 6052).
const NAT64: Network = v6([0x64, 0xff9b], 96);

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Network {
    Network { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
}

/// An IPv6 network by its first two groups.
const fn v6([first, second]: [u16; 2], bits: u8) -> Network {
    Network { address: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), bits }
}

/// True if any machine on the internet could have the address. IPv4-mapped and NAT64 addresses
/// count as the IPv4 address in them.
fn is_public(address: IpAddr) -> bool {
    let is_in =
        |networks: &[Network], address| networks.iter().any(|network| network.contains(address));
    match address.to_canonical() {
        IpAddr::V4(_) => !is_in(&RESERVED_V4, address),
        IpAddr::V6(_) if NAT64.contains(address) => !is_in(&RESERVED_V4, embedded(address)),
        IpAddr::V6(_) => GLOBAL_V6.contains(address) && !is_in(&RESERVED_V6, address),
    }
}

/// The IPv4 address in the last 32 bits.
fn embedded(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [.., a, b, c, d] = address.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line each: unspecified and private, carriers and loopback, link-local and metadata,
    /// documentation, benchmarks and relays, multicast to broadcast; in IPv6 unspecified to
    /// multicast, special purposes, and IPv4 addresses of those networks in IPv4-mapped,
    /// IPv4-compatible, translated, NAT64 and 6to4 form.
    const NOT_PUBLIC: &str = "
        0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255
        100.64.0.0 100.100.100.200 100.127.255.255 127.0.0.0 127.0.0.1 127.255.255.255
        169.254.0.0 169.254.169.254 169.254.255.255 168.63.129.16 192.0.0.192
        192.0.0.0 192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.0 198.19.255.255 192.88.99.1
        224.0.0.1 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
        :: ::1 fc00:: fd00:ec2::254 fdff:ffff::1 fe80::1 febf::1 fec0::1 ff02::1
        100::1 5f00::1 4000::1 2001::1 2001:2::1 2001:20::1 2001:1ff::1 2001:db8::1 3fff::1 3fff:fff::1
        ::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:a00:1
        ::127.0.0.1 ::10.0.0.1 ::8.8.8.8 ::ffff:0:127.0.0.1
        64:ff9b:: 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::c0a8:1
        64:ff9b:1::1 64:ff9b:1::8.8.8.8 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1";

    /// The neighbours of those networks, and some well-known hosts.
    const PUBLIC: &str = "
        1.0.0.0 9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0
        100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
        169.253.255.255 169.255.0.0 168.63.129.15 168.63.129.17
        192.0.1.0 192.0.1.255 192.0.3.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
        198.17.255.255 198.20.0.0 192.88.98.255 192.88.100.0 223.255.255.255 1.1.1.1 8.8.8.8
        2000::1 2001:200::1 2001:db7::1 2001:db9::1 2003::1 3ffe::1 3fff:1000::1
        2001:4860:4860::8888 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::8.8.8.8";

    #[test]
    fn public_addresses_are_distinguished_from_the_others() {
        for text in NOT_PUBLIC.split_whitespace() {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in PUBLIC.split_whitespace() {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
