//! What it means how a request arrived: whether clients can be told apart behind the proxies, and
//! whether one of them can forge its address.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::HttpUrl;
use crate::model::arrival::Arrival;
use crate::model::finding::CheckReport;

/// The address that the request claims to come from (RFC 5737: documentation).
pub(super) const FORGED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The header that it claims it in.
pub(super) const FORWARDED_FOR: &str = "x-forwarded-for";

const KEY: &str = "proxy";
const HOW_TO_FORWARD: &str = "let the proxy add the client's address at the end: nginx: proxy_set_header X-Forwarded-For \
     $proxy_add_x_forwarded_for;";

/// Who decrypts what clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsEnd {
    /// The server itself, so that no proxy can add headers.
    Server,
    Proxy,
}

/// Judges a request that was sent to the public URL.
pub(super) fn judge(arrival: &Arrival, public: &HttpUrl, end: TlsEnd, found: &mut CheckReport) {
    judge_client(arrival, public, end, found);
    if arrival.host != public.authority() {
        found.warning(
            KEY,
            format!(
                "the Host header arrives as {:?} and not as {:?}",
                arrival.host,
                public.authority()
            ),
            "let the proxy pass it on: nginx: proxy_set_header Host $host;",
        );
    }
    if is_proxied(arrival) && public.is_https() {
        judge_scheme(arrival, found);
    }
    let own = env!("CARGO_PKG_VERSION");
    if arrival.version != own {
        found.warning(
            "version",
            format!("the server runs authd {}, and this is {own}", arrival.version),
            "restart the server, or use its own binary",
        );
    }
}

/// Whether a proxy left a trace in the request, or its peer is known to be one.
pub(super) fn is_proxied(arrival: &Arrival) -> bool {
    let is_trace = |(name, value): &(String, String)| {
        name != FORWARDED_FOR || value.trim() != FORGED.to_string()
    };
    arrival.is_peer_trusted || arrival.forwarded.iter().any(is_trace)
}

/// The addresses that proxies added after the forged one: the client's, then those of proxies.
fn added(arrival: &Arrival) -> Vec<IpAddr> {
    let lines = arrival.forwarded.iter().filter(|(name, _)| name == FORWARDED_FOR);
    let hops: Vec<&str> = lines.flat_map(|(_, line)| line.split(',')).map(str::trim).collect();
    let forged = FORGED.to_string();
    let after = hops.iter().position(|hop| *hop == forged).map_or(0, |at| at + 1);
    hops[after..].iter().filter_map(|hop| hop.parse().ok()).collect()
}

fn judge_client(arrival: &Arrival, public: &HttpUrl, end: TlsEnd, found: &mut CheckReport) {
    let Arrival { peer, client_ip, is_peer_trusted, .. } = arrival;
    let hops = added(arrival);
    if *client_ip == FORGED && !hops.is_empty() {
        found.hint(
            KEY,
            "this machine's own address is one of server.trusted_proxies, so it cannot be seen from here whether \
             other clients are told apart",
            "run authd doctor where the public URL leads over the network, or look at client= in the log",
        );
    } else if *client_ip == FORGED {
        found.error(
            KEY,
            format!("any client can choose its client IP: the proxy at {peer} passes X-Forwarded-For on as it came"),
            HOW_TO_FORWARD,
        );
    } else if is_proxied(arrival) && !is_peer_trusted {
        found.error(
            "server.trusted_proxies",
            format!(
                "requests arrive from a proxy at {peer}, which is not in it: all clients share one client IP and \
                 its limits"
            ),
            format!("add \"{peer}\", if that is your proxy"),
        );
    } else if *is_peer_trusted && client_ip == peer {
        found.error(
            KEY,
            format!(
                "the proxy at {peer} does not say which client a request comes from: all share one client IP and \
                 its limits"
            ),
            HOW_TO_FORWARD,
        );
    } else if let Some(client) = hops.first().filter(|client| *client != client_ip) {
        found.error(
            "server.trusted_proxies",
            format!(
                "a request of {client} counts as one of {client_ip}, which is a proxy that is not in it: clients \
                 share its client IP and limits"
            ),
            format!("add \"{client_ip}\", if that is your proxy"),
        );
    } else if peer.is_loopback()
        && !public.host().is_loopback()
        && !is_proxied(arrival)
        && end == TlsEnd::Proxy
    {
        found.warning(
            KEY,
            format!("requests arrive from {peer} without the headers of a proxy: clients cannot be told apart"),
            format!("{HOW_TO_FORWARD} Then add \"{peer}\" to server.trusted_proxies"),
        );
    } else if *is_peer_trusted {
        found
            .pass(KEY, format!("requests arrive through {peer}, and the client IP is {client_ip}"));
    } else {
        found.pass(KEY, format!("requests arrive directly; the client IP is {client_ip}"));
    }
}

fn judge_scheme(arrival: &Arrival, found: &mut CheckReport) {
    let remedy = "nginx: proxy_set_header X-Forwarded-Proto $scheme;";
    let of_standard =
        arrival.header("forwarded").is_some_and(|value| value.contains("proto=https"));
    match arrival.header("x-forwarded-proto") {
        Some("https") => found.pass("scheme", "the proxy says that clients use https"),
        _ if of_standard => found.pass("scheme", "the proxy says that clients use https"),
        Some(other) => found.warning(
            "scheme",
            format!("the request was sent with https and arrives as {other:?}"),
            remedy,
        ),
        None => found.hint("scheme", "the proxy does not say which scheme clients use", remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;

    /// What is found for a request from this peer with these headers.
    fn judged(peer: &str, client: &str, is_trusted: bool, headers: &[(&str, &str)]) -> CheckReport {
        judged_at(TlsEnd::Proxy, peer, client, is_trusted, headers)
    }

    fn judged_at(
        end: TlsEnd,
        peer: &str,
        client: &str,
        is_trusted: bool,
        headers: &[(&str, &str)],
    ) -> CheckReport {
        let arrival = Arrival {
            proof: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            peer: peer.parse().unwrap(),
            is_peer_trusted: is_trusted,
            client_ip: client.parse().unwrap(),
            host: "id.example.com".to_owned(),
            http_version: "HTTP/1.1".to_owned(),
            forwarded: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        };
        let mut found = CheckReport::default();
        judge(&arrival, &HttpUrl::parse("https://id.example.com").unwrap(), end, &mut found);
        found
    }

    const SAYS_HTTPS: (&str, &str) = ("x-forwarded-proto", "https");

    #[test]
    fn a_chain_that_is_right_passes() {
        for (peer, client, trusted, forwarded) in [
            ("127.0.0.1", "198.51.100.7", true, "192.0.2.1, 198.51.100.7"),
            ("10.0.0.1", "198.51.100.7", true, "198.51.100.7"),
            ("10.0.0.1", "198.51.100.7", true, "192.0.2.1, 198.51.100.7, 10.0.0.2"),
        ] {
            let headers = [(FORWARDED_FOR, forwarded), SAYS_HTTPS];
            let found = judged(peer, client, trusted, &headers);
            assert_eq!(found.findings, [], "{forwarded}");
            assert_eq!(found.passed.len(), 2, "{forwarded}");
        }
        let direct = judged("198.51.100.7", "198.51.100.7", false, &[(FORWARDED_FOR, "192.0.2.1")]);
        assert_eq!(direct.findings, []);
    }

    #[test]
    fn each_wrong_chain_is_one_error_that_says_what_to_change() {
        for (peer, client, trusted, forwarded, key, word) in [
            ("10.0.0.1", "192.0.2.1", true, "192.0.2.1", "proxy", "any client can choose"),
            (
                "10.0.0.1",
                "10.0.0.1",
                false,
                "192.0.2.1, 198.51.100.7",
                "server.trusted_proxies",
                "10.0.0.1",
            ),
            ("10.0.0.1", "10.0.0.1", true, "", "proxy", "does not say which client"),
            (
                "10.0.0.1",
                "203.0.113.9",
                true,
                "192.0.2.1, 198.51.100.7, 203.0.113.9",
                "server.trusted_proxies",
                "203.0.113.9",
            ),
        ] {
            let headers = [(FORWARDED_FOR, forwarded), SAYS_HTTPS];
            let found = judged(peer, client, trusted, &headers);
            let [finding] = found.findings.as_slice() else { panic!("{:?}", found.findings) };
            assert_eq!(
                (finding.level, finding.key.as_str()),
                (Severity::Error, key),
                "{forwarded}"
            );
            assert!(finding.message.contains(word), "{}", finding.message);
        }
    }

    #[test]
    fn a_doctor_at_the_address_of_a_trusted_proxy_says_that_it_cannot_see() {
        let headers = [(FORWARDED_FOR, "192.0.2.1, 127.0.0.1"), SAYS_HTTPS];
        let found = judged("127.0.0.1", "192.0.2.1", true, &headers);
        assert_eq!((found.count(Severity::Hint), found.findings.len()), (1, 1));
    }

    #[test]
    fn a_proxy_here_that_leaves_no_trace_is_suspected() {
        let found = judged("127.0.0.1", "127.0.0.1", false, &[(FORWARDED_FOR, "192.0.2.1")]);
        assert_eq!(found.count(Severity::Warning), 1, "{:?}", found.findings);
        // On the server's own machine its name may be a loopback address, as Debian sets it.
        let forged = [(FORWARDED_FOR, "192.0.2.1")];
        let direct = judged_at(TlsEnd::Server, "127.0.1.1", "127.0.1.1", false, &forged);
        assert_eq!(
            direct.findings,
            [],
            "no proxy can add headers to what only the server decrypts"
        );
    }

    #[test]
    fn another_scheme_or_none_is_found_where_a_proxy_is() {
        let level = |headers: &[(&str, &str)]| {
            let chain = [(FORWARDED_FOR, "192.0.2.1, 198.51.100.7")];
            let found = judged("10.0.0.1", "198.51.100.7", true, &[&chain, headers].concat());
            found.findings.first().map(|finding| finding.level)
        };
        assert_eq!(level(&[("x-forwarded-proto", "http")]), Some(Severity::Warning));
        assert_eq!(level(&[]), Some(Severity::Hint));
        assert_eq!(level(&[("forwarded", "for=198.51.100.7;proto=https")]), None);
    }
}
