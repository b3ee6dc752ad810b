//! Determines the client IP: the peer's address, or the one that trusted proxies forward. Also
//! decides which peers may make service calls.

use std::net::{IpAddr, Ipv4Addr};

use poem::Request;
use poem::http::header::HOST;
use poem::http::uri::Authority;
use poem::http::{HeaderMap, HeaderName, Uri, Version};

use crate::config::{Environment, Network, Server};
use crate::env::Env;
use crate::http::extract::origin;
use crate::http::server::log::WarningLimit;
use crate::identity::access::actor::Locality;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The headers that proxies, load balancers and content delivery networks add to what they forward,
/// besides all that begin with `x-forwarded`. A request with one of them is never direct, and is
/// warned about if its peer is no trusted proxy.
const FORWARDING: [&str; 20] = [
    "forwarded",
    "via",
    "client-ip",
    "x-client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "x-azure-clientip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fastly-client-ip",
    "fly-client-ip",
    "proxy-client-ip",
    "wl-proxy-client-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-azure-socketip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-proxyuser-ip",
];

/// Determines client IPs, and warns at most once a minute about forwarding headers from untrusted
/// peers.
pub struct Addresses {
    trusted: Option<Vec<Network>>,
    warnings: WarningLimit,
}

impl Addresses {
    /// Reads the trusted proxies from the configuration.
    #[must_use]
    pub fn new(server: &Server, env: Env) -> Self {
        Self { trusted: server.trusted_proxies.clone(), warnings: WarningLimit::new(env) }
    }

    /// The client IP of a request.
    #[must_use]
    pub fn of(&self, request: &Request) -> IpAddr {
        let peer = peer(request);
        let trusted = self.trusted.as_deref().unwrap_or_default();
        if !is_in(trusted, peer) {
            self.warn_of_proxy(peer, request);
        }
        address(peer, request.headers(), trusted)
    }

    /// Warns if an untrusted peer looks like a proxy.
    fn warn_of_proxy(&self, peer: IpAddr, request: &Request) {
        let sign = match forwarding_header(request.headers()) {
            Some(header) => header.as_str(),
            // A proxy on this machine that is configured to do nothing but pass requests on.
            None if peer.is_loopback() && request.version() == Version::HTTP_10 => "HTTP/1.0",
            None => return,
        };
        if self.warnings.permits() {
            let advice = match self.trusted {
                None => {
                    "server.trusted_proxies is not set: list the proxies there, or set it to [] if there are none"
                }
                Some(_) => {
                    "the peer is not in server.trusted_proxies, so it counts as the client itself"
                }
            };
            tracing::warn!(%peer, "{sign} from a peer that is no trusted proxy: {advice}");
        }
    }
}

/// The peer address of the connection; 0.0.0.0 for a request without a connection.
#[must_use]
pub fn peer(request: &Request) -> IpAddr {
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    request.remote_addr().as_socket_addr().map_or(nowhere, |address| address.ip().to_canonical())
}

/// The client IP: the peer, or behind trusted proxies the right-most address in `X-Forwarded-For`
/// that is not a trusted proxy. Addresses further left are under the client's control.
#[must_use]
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_in(trusted, client) {
        return client;
    }
    let lines: Vec<&[u8]> =
        headers.get_all(&X_FORWARDED_FOR).iter().map(poem::http::HeaderValue::as_bytes).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(|&b| b == b',')) {
        let Some(hop) = std::str::from_utf8(hop).ok().and_then(parse_hop) else { break };
        client = hop;
        if !is_in(trusted, client) {
            break;
        }
    }
    client
}

/// Parses an IP address with or without a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<std::net::SocketAddr>().map(|address| address.ip());
    bare.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|address| address.to_canonical())
}

/// The first header of a request that a proxy would add.
fn forwarding_header(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| is_forwarding(name))
}

/// Whether proxies add a header of this name.
#[must_use]
pub fn is_forwarding(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded") || FORWARDING.contains(&name.as_str())
}

/// Whether a request shows no sign of a proxy: a header that proxies add, HTTP/1.0 (with which
/// nginx forwards unless it is configured otherwise), or a whole URL instead of a path.
#[must_use]
pub fn is_direct(request: &Request) -> bool {
    request.version() != Version::HTTP_10
        && request.uri().authority().is_none()
        && forwarding_header(request.headers()).is_none()
}

/// Whether a request may use service calls and metrics. Only the peer address counts, never a
/// forwarded address, and a trusted proxy is never allowed.
#[must_use]
pub fn service_allowed(server: &Server, request: &Request) -> bool {
    let peer = peer(request);
    if !is_itself(server, peer, request) {
        return false;
    }
    let networks = server.service_networks.as_deref();
    networks.map_or_else(|| is_loopback(server, peer), |networks| is_in(networks, peer))
}

/// Whether a request is local, that is, sent from this machine. Only certain if no proxy is
/// involved and the server is not public.
#[must_use]
pub fn is_local_request(server: &Server, request: &Request) -> bool {
    let peer = peer(request);
    is_itself(server, peer, request) && is_loopback(server, peer)
}

/// Where a request comes from, for the check of administrators' networks.
#[must_use]
pub fn locality(server: &Server, request: &Request) -> Locality {
    if is_local_request(server, request) { Locality::Local } else { Locality::Remote }
}

/// Whether the peer is the client itself and not a proxy.
fn is_itself(server: &Server, peer: IpAddr, request: &Request) -> bool {
    let is_proxy = is_trusted_proxy(server, peer);
    is_direct(request)
        && !is_proxy
        && is_asked_by_name(server, request.headers())
        && (!peer.is_loopback() || is_asked_as_local(server, request.headers()))
}

/// Whether the peer is in `server.trusted_proxies`.
#[must_use]
pub fn is_trusted_proxy(server: &Server, peer: IpAddr) -> bool {
    is_in(server.trusted_proxies.as_deref().unwrap_or_default(), peer.to_canonical())
}

/// Whether the `Host` header names this server: localhost, the public host, a configured service
/// host, or an IP address. This stops DNS rebinding: if an attacker points the domain of a page at
/// this machine, the browser sends the attacker's domain as `Host`.
#[must_use]
pub fn is_asked_by_name(server: &Server, headers: &HeaderMap) -> bool {
    let Some(host) = host_of(headers) else { return false };
    let public = server.public_url.as_deref().and_then(|url| url.parse::<Uri>().ok());
    address_in(&host).is_some()
        || host == "localhost"
        || public.and_then(|url| url.host().map(str::to_ascii_lowercase)) == Some(host.clone())
        || server.service_hosts.contains(&host)
}

/// Whether the `Host` header is one that a client on this machine would send over loopback. With the
/// public host, or another address of the machine, the peer is a proxy that forwards this header
/// and adds none.
fn is_asked_as_local(server: &Server, headers: &HeaderMap) -> bool {
    let Some(host) = host_of(headers) else { return false };
    match address_in(&host) {
        Some(address) => address.to_canonical().is_loopback(),
        None => {
            host == "localhost"
                || server.public_url.as_deref().is_some_and(origin::is_loopback)
                || server.service_hosts.contains(&host)
        }
    }
}

/// The only host that a request asks for, in lower case and without its port.
fn host_of(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let host = host.to_str().ok().filter(|host| !host.contains('@'))?;
    let host = host.to_ascii_lowercase().parse::<Authority>().ok()?;
    Some(host.host().to_owned())
}

fn address_in(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

fn is_loopback(server: &Server, peer: IpAddr) -> bool {
    let is_local = server.public_url.as_deref().is_none_or(origin::is_loopback);
    is_local && server.environment != Environment::Production && peer.is_loopback()
}

fn is_in(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| holds(network, address))
}

fn holds(network: &Network, address: IpAddr) -> bool {
    let shifted = |bits: u128, width: u32| {
        bits.checked_shr(width.saturating_sub(u32::from(network.bits))).unwrap_or(0)
    };
    match (network.address.to_canonical(), address) {
        (IpAddr::V4(first), IpAddr::V4(address)) => {
            shifted(first.to_bits().into(), 32) == shifted(address.to_bits().into(), 32)
        }
        (IpAddr::V6(first), IpAddr::V6(address)) => {
            shifted(first.to_bits(), 128) == shifted(address.to_bits(), 128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn net(text: &str) -> Network {
        let (address, bits) = text.split_once('/').unwrap();
        Network { address: ip(address), bits: bits.parse().unwrap() }
    }

    fn forwarded(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, poem::http::HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    /// A call from this peer.
    fn call(peer: &str, headers: HeaderMap) -> Request {
        let peer = poem::Addr::socket(std::net::SocketAddr::new(ip(peer), 4711));
        let (mut parts, ()) = poem::http::Request::new(()).into_parts();
        parts.headers = headers;
        let local = poem::web::LocalAddr(peer.clone());
        let scheme = poem::http::uri::Scheme::HTTP;
        let parts = poem::RequestParts::from((parts, local, poem::web::RemoteAddr(peer), scheme));
        Request::from_parts(parts, poem::Body::empty())
    }

    /// The headers of a call that did not pass a proxy.
    fn direct(host: &str) -> HeaderMap {
        HeaderMap::from_iter([(HOST, host.parse().unwrap())])
    }

    #[test]
    fn forwarded_headers_are_ignored_without_trusted_proxies() {
        let headers = forwarded(&[b"198.51.100.7"]);
        assert_eq!(address(ip("10.0.0.1"), &headers, &[]), ip("10.0.0.1"));
        assert_eq!(address(ip("10.0.0.1"), &headers, &[net("10.1.0.0/16")]), ip("10.0.0.1"));
    }

    #[test]
    fn behind_proxies_the_right_most_stranger_is_the_client() {
        let trusted = [net("10.0.0.0/8"), net("2001:db8::/32")];
        for (lines, client) in [
            (vec![&b"198.51.100.7"[..]], "198.51.100.7"),
            (vec![b"203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (vec![b"203.0.113.9, 198.51.100.7, 10.9.9.9"], "198.51.100.7"),
            (vec![b"203.0.113.9", b"198.51.100.7,10.1.2.3", b"10.2.3.4"], "198.51.100.7"),
            (vec![b"198.51.100.7:4711"], "198.51.100.7"),
            (vec![b"[2001:dead::7]:443"], "2001:dead::7"),
            (vec![b"[2001:dead::7]"], "2001:dead::7"),
            (vec![b"::ffff:198.51.100.7"], "198.51.100.7"),
            (vec![b"10.3.3.3, 10.4.4.4"], "10.3.3.3"),
            (vec![], "10.0.0.1"),
        ] {
            assert_eq!(
                address(ip("::ffff:10.0.0.1"), &forwarded(&lines), &trusted),
                ip(client),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn garbage_stops_at_the_last_good_hop() {
        let trusted = [net("10.0.0.0/8")];
        for (line, client) in [
            (&b"198.51.100.7, unknown"[..], "10.0.0.1"),
            (b"198.51.100.7, unknown, 10.5.5.5", "10.5.5.5"),
            (b"198.51.100.7,", "10.0.0.1"),
            (b"198.51.100.7, \xff\xfe", "10.0.0.1"),
            (b"198.51.100.7 10.1.1.1", "10.0.0.1"),
            (b"", "10.0.0.1"),
        ] {
            assert_eq!(
                address(ip("10.0.0.1"), &forwarded(&[line]), &trusted),
                ip(client),
                "{line:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_moves_the_client_beyond_the_first_untrusted_hop(line in "[ -~]{0,60}") {
            let headers = forwarded(&[line.as_bytes(), b"198.51.100.7, 10.1.1.1"]);
            proptest::prop_assert_eq!(address(ip("10.0.0.1"), &headers, &[net("10.0.0.0/8")]), ip("198.51.100.7"));
            let _ = address(ip("10.0.0.1"), &forwarded(&[line.as_bytes()]), &[net("0.0.0.0/0")]);
        }
    }

    #[test]
    fn a_network_is_its_leading_bits() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.1.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "8.8.8.8", false),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("192.0.2.1/32", "192.0.2.2", false),
            ("2001:db8::/33", "2001:db8:8000::", false),
        ] {
            assert_eq!(holds(&net(network), ip(address)), inside, "{network} {address}");
        }
    }

    fn server() -> Server {
        Server {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: None,
            https: crate::config::HttpsPolicy::Redirect,
            wire: crate::config::WireName::V1,
            environment: Environment::Development,
            trusted_proxies: None,
            service_networks: None,
            service_hosts: vec![],
            reveal_secret_ends: false,
            cors_origins: vec![],
            connections: 8,
            connections_client: 8,
            handshakes_client: 1,
            body_limit: 65536,
        }
    }

    #[test]
    fn service_calls_are_for_this_machine_until_the_service_is_public() {
        let direct = direct("localhost:3000");
        let allowed = |server: &Server, peer| service_allowed(server, &call(peer, direct.clone()));
        assert!(
            allowed(&server(), "127.0.0.1")
                && allowed(&server(), "::1")
                && allowed(&server(), "::ffff:127.0.0.1")
        );
        assert!(!allowed(&server(), "192.0.2.1") && !allowed(&server(), "0.0.0.0"));
        let mut through = forwarded(&[b"127.0.0.1"]);
        through.insert(HOST, "localhost".parse().unwrap());
        assert!(!service_allowed(&server(), &call("127.0.0.1", through)));
        let public = Server { public_url: Some("https://auth.example.com".into()), ..server() };
        assert!(!allowed(&public, "127.0.0.1"));
        let production = Server { environment: Environment::Production, ..server() };
        assert!(!allowed(&production, "127.0.0.1"));
    }

    #[test]
    fn service_networks_hold_the_peer_itself_and_no_trusted_proxy() {
        let server = Server {
            service_networks: Some(vec![net("10.0.0.0/8")]),
            trusted_proxies: Some(vec![net("10.0.0.1/32")]),
            ..server()
        };
        let allowed = |peer, headers| service_allowed(&server, &call(peer, headers));
        let direct = direct("10.0.0.9:3000");
        assert!(allowed("10.0.0.2", direct.clone()));
        assert!(!allowed("10.0.0.1", direct.clone()));
        assert!(!allowed("10.0.0.1", forwarded(&[b"10.0.0.2"])));
        assert!(!allowed("127.0.0.1", direct));
    }

    #[test]
    fn dns_rebinding_to_this_machine_learns_nothing() {
        let home = server();
        let named = Server {
            public_url: Some("http://box.localhost:3000".into()),
            service_hosts: vec!["authd.internal".into()],
            ..server()
        };
        for (host, is_local, where_named) in [
            ("localhost", true, true),
            ("LocalHost:3000", true, true),
            ("127.0.0.1:3000", true, true),
            ("[::1]:3000", true, true),
            ("box.localhost:3000", false, true),
            ("authd.internal:3000", false, true),
            ("evil.example", false, false),
            ("evil.example:3000", false, false),
            ("localhost.evil.example", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("localhost@evil.example", false, false),
            ("evil.example@localhost", false, false),
            ("", false, false),
        ] {
            let request = call("127.0.0.1", direct(host));
            assert_eq!(service_allowed(&home, &request), is_local, "{host}");
            assert_eq!(service_allowed(&named, &request), where_named, "{host}");
        }
        let mut twice = direct("localhost");
        twice.append(HOST, "evil.example".parse().unwrap());
        assert!(!service_allowed(&home, &call("127.0.0.1", twice)));
        assert!(!service_allowed(&home, &call("127.0.0.1", HeaderMap::new())));
    }

    /// HTTP/1.1 and no header of its own: the name that was asked for is all that tells.
    #[test]
    fn a_proxy_here_that_forwards_only_the_host_is_not_the_machine_itself() {
        let local = [net("127.0.0.0/8"), net("::1/128"), net("192.0.2.0/24")];
        let public = Server {
            public_url: Some("https://auth.example.com".into()),
            service_networks: Some(local.to_vec()),
            ..server()
        };
        for (peer, host, is_itself) in [
            ("127.0.0.1", "auth.example.com", false),
            ("::1", "AUTH.example.com:443", false),
            ("127.0.0.1", "192.0.2.1:3000", false),
            ("127.0.0.1", "[2001:db8::1]", false),
            ("::1", "127.0.0.1:3000", true),
            ("127.0.0.1", "[::1]:3000", true),
            ("127.0.0.1", "localhost:3000", true),
            ("192.0.2.7", "auth.example.com", true),
            ("192.0.2.7", "192.0.2.1:3000", true),
        ] {
            let request = call(peer, direct(host));
            assert_eq!(service_allowed(&public, &request), is_itself, "{peer} {host}");
        }
        assert!(!is_local_request(&server(), &call("127.0.0.1", direct("192.0.2.1:3000"))));
    }

    #[test]
    fn any_sign_of_a_proxy_makes_a_request_indirect() {
        let request = || call("127.0.0.1", direct("localhost"));
        assert!(is_direct(&request()));
        let usual = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-anything"];
        for name in usual.into_iter().chain(FORWARDING) {
            let mut request = request();
            request.headers_mut().insert(HeaderName::from_static(name), "x".parse().unwrap());
            assert!(!is_direct(&request), "{name}");
            assert!(!service_allowed(&server(), &request), "{name}");
        }
        let mut old = request();
        old.set_version(Version::HTTP_10);
        let mut whole = request();
        *whole.uri_mut() = Uri::from_static("http://localhost/metrics");
        for request in [old, whole] {
            assert!(!is_direct(&request) && !is_local_request(&server(), &request));
        }
    }
}
