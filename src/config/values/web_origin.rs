//! Web origins: scheme, host and port, as the Origin header of a browser spells them (RFC 6454).

use std::fmt;
use std::net::IpAddr;

/// An `http` or `https` origin as browsers spell it: the host in lower-case ASCII, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct WebOrigin {
    https: bool,
    host: String,
    port: Option<u16>,
}

impl WebOrigin {
    /// Parses an origin. Nothing may follow the host and port.
    pub(in crate::config) fn parse(text: &str) -> Option<Self> {
        let (https, rest) = match text.split_once("://")? {
            ("https", rest) => (true, rest),
            ("http", rest) => (false, rest),
            _ => return None,
        };
        let (host, port) = split_port(rest)?;
        let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(address) => format!("[{}]", address.parse::<std::net::Ipv6Addr>().ok()?),
            None => idna::domain_to_ascii(host).ok()?,
        };
        let is_name = |c: u8| c.is_ascii_alphanumeric() || b"-._".contains(&c);
        if host.is_empty() || (!host.starts_with('[') && !host.bytes().all(is_name)) {
            return None;
        }
        let default = if https { 443 } else { 80 };
        Some(Self { https, host, port: port.filter(|port| *port != default) })
    }

    /// Parses an origin of a list. A host of this machine may come without a scheme, and a bare port
    /// has the host of the origin before it: `localhost:3000,8000`.
    pub(in crate::config) fn listed(text: &str, before: &str) -> Option<Self> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            let host = Self::parse(before).filter(Self::is_loopback)?;
            return Self::parse(&format!("http://{}:{text}", host.host));
        }
        Self::parse(text).or_else(|| {
            let origin =
                Self::parse(&format!("http://{text}")).filter(|_| !text.contains("://"))?;
            Some(origin).filter(Self::is_loopback)
        })
    }

    /// True for `https`.
    pub(in crate::config) fn is_https(&self) -> bool {
        self.https
    }

    /// The host without scheme and port.
    pub(in crate::config) fn host(&self) -> &str {
        &self.host
    }

    /// The port, which defaults to that of the scheme.
    pub(in crate::config) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.https { 443 } else { 80 })
    }

    /// True if the host is an IP address.
    pub(in crate::config) fn is_address(&self) -> bool {
        self.host.starts_with('[') || self.host.parse::<std::net::Ipv4Addr>().is_ok()
    }

    /// The origin with the same scheme and port at another host.
    pub(in crate::config) fn at_host(&self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self.clone() }
    }

    /// True if only this machine can reach the host.
    pub(in crate::config) fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let is_local_name = self.host == "localhost" || self.host.ends_with(".localhost");
        is_local_name
            || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Splits `host:port`, `[v6]:port` or a bare host. The port must be greater than 0.
pub(in crate::config) fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(end);
    match rest.strip_prefix(':') {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok().filter(|port| *port > 0)?)))
        }
        None if rest.is_empty() => Some((host, None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_spell_it() {
        for (typed, kept) in [
            ("https://App.Example.com", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(WebOrigin::parse(typed).unwrap().to_string(), kept);
        }
    }

    #[test]
    fn only_origins_of_this_machine_are_listed_in_short() {
        for (text, before, kept) in [
            ("localhost:3000", "", Some("http://localhost:3000")),
            ("8000", "http://localhost:3000", Some("http://localhost:8000")),
            ("https://app.example.com", "", Some("https://app.example.com")),
            ("app.example.com", "", None),
            ("8000", "https://app.example.com", None),
            ("8000", "", None),
            ("*", "", None),
        ] {
            let origin = WebOrigin::listed(text, before).map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), kept, "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for bad in [
            "",
            "*",
            "null",
            "example.com",
            "ftp://example.com",
            "https://",
            "https://a.com/",
            "https://a.com/path",
            "https://a.com?x",
            "https://a.com#x",
            "https://user@a.com",
            "https://a.com:0",
            "https://a.com:99999",
            "https://a.com:+1",
            "https://*.a.com",
            "https://a b.com",
            "https://[::1",
            "HTTPS://a.com",
        ] {
            assert_eq!(WebOrigin::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        let is_local = |text: &str| WebOrigin::parse(text).unwrap().is_loopback();
        assert!(
            ["http://localhost:1", "http://a.localhost", "http://127.9.9.9", "http://[::1]"]
                .into_iter()
                .all(is_local)
        );
        assert!(!["http://192.168.0.1", "https://localhost.example.com"].into_iter().any(is_local));
    }
}
