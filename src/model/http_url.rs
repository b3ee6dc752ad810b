//! `http` and `https` URLs of other servers, normalised by the WHATWG URL Standard.
//!
//! The parser is stricter than the standard: it refuses what browsers repair (backslashes, white
//! space, missing or extra slashes), and user names and passwords.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Position, Url};

use super::Secret;

/// The maximum length of a host name (RFC 1035, section 2.3.4).
const MAX_NAME_LENGTH: usize = 253;

/// An `http` or `https` URL without user name, password and fragment. Path and query may contain
/// secrets and are never printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    is_https: bool,
    host: UrlHost,
    port: u16,
    path: Secret,
}

/// The host of a URL. Each host has one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlHost {
    /// A name in lower-case ASCII without a final dot.
    Name(String),
    /// An IP address, in whichever form it was written (`127.1`, `0x7f000001`, `[::1]`).
    Address(IpAddr),
}

impl HttpUrl {
    /// Parses an absolute URL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return None;
        }
        let (_, rest) = text.split_once("://")?;
        let authority =
            rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
        if authority.contains('@') {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = UrlHost::normalise(url.host()?.to_owned())?;
        let port = url.port_or_known_default().filter(|port| *port > 0)?;
        let path = Secret::new(&url[Position::BeforePath..Position::AfterQuery]);
        Some(Self { is_https, host, port, path })
    }

    /// True for `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &UrlHost {
        &self.host
    }

    /// The port, which defaults to that of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the Host header: the host, and the port unless it is the scheme's default.
    #[must_use]
    pub fn authority(&self) -> String {
        match (self.is_https, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Path and query, percent-encoded, starting with a slash.
    #[must_use]
    pub fn path(&self) -> &Secret {
        &self.path
    }
}

impl UrlHost {
    /// Parses a host as it stands in a URL; an IPv6 address needs brackets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::normalise(Host::parse(text).ok()?)
    }

    /// True for this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            UrlHost::Name(name) => name == "localhost",
            UrlHost::Address(address) => address.to_canonical().is_loopback(),
        }
    }

    fn normalise(host: Host) -> Option<Self> {
        let name = match host {
            Host::Ipv4(address) => return Some(UrlHost::Address(address.into())),
            Host::Ipv6(address) => return Some(UrlHost::Address(address.into())),
            Host::Domain(name) => name,
        };
        let name = name.strip_suffix('.').unwrap_or(&name);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let is_name = name.len() <= MAX_NAME_LENGTH && name.split('.').all(is_label);
        is_name.then(|| UrlHost::Name(name.to_owned()))
    }
}

impl fmt::Display for UrlHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlHost::Name(name) => f.write_str(name),
            UrlHost::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            UrlHost::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (bool, String, u16, String) {
        let url = HttpUrl::parse(text).unwrap_or_else(|| panic!("{text}"));
        (url.is_https(), url.authority(), url.port(), url.path().reveal().to_owned())
    }

    #[test]
    fn a_url_is_split_into_its_parts() {
        for (text, https, authority, port, path) in [
            ("https://a.example/x?y=1", true, "a.example", 443, "/x?y=1"),
            ("https://a.example:443", true, "a.example", 443, "/"),
            ("http://a.example:443/", false, "a.example:443", 443, "/"),
            ("https://a.example?to=1", true, "a.example", 443, "/?to=1"),
            ("http://127.0.0.1:8080", false, "127.0.0.1:8080", 8080, "/"),
            ("http://[::1]:81/a", false, "[::1]:81", 81, "/a"),
            ("HTTPS://A.Example/B#c", true, "a.example", 443, "/B"),
            ("https://bücher.example/ä", true, "xn--bcher-kva.example", 443, "/%C3%A4"),
            ("http://sms_gateway:8080/", false, "sms_gateway:8080", 8080, "/"),
        ] {
            assert_eq!(parts(text), (https, authority.to_owned(), port, path.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for text in [
            "http://127.0.0.1/",
            "http://127.0.0.1./",
            "http://127.1/",
            "http://0x7f.1/",
            "http://0X7F.0.0.1/",
            "http://0177.0.0.01/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
        ] {
            assert_eq!(HttpUrl::parse(text).unwrap().host().to_string(), "127.0.0.1", "{text}");
        }
        assert_eq!(HttpUrl::parse("http://0x/").unwrap().host().to_string(), "0.0.0.0");
        let mapped = HttpUrl::parse("http://[::ffff:7f00:1]/").unwrap();
        assert_eq!(mapped.host(), &UrlHost::Address("::ffff:127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_final_dot_does_not_make_another_name() {
        assert_eq!(UrlHost::parse("a.example."), UrlHost::parse("A.example"));
        assert_eq!(UrlHost::parse("localhost."), Some(UrlHost::Name("localhost".to_owned())));
    }

    #[test]
    fn ambiguous_and_foreign_urls_are_refused() {
        for bad in [
            "",
            "a.example",
            "//a.example",
            "ftp://a.example",
            "file:///etc/passwd",
            "javascript://a.example/%0aalert(1)",
            "http://",
            "http:///a.example",
            "http:a.example",
            "http:\\\\a.example",
            "http://a.example\\@b.example",
            "http://user@a.example",
            "http://user:pw@a.example",
            "http://@a.example",
            "http://a.example:x/",
            "http://a.example:0/",
            "http://a.example:65536/",
            "http://a.example:-1/",
            " http://a.example",
            "http://a.example/\n",
            "http://a.exam\tple/",
            "http://a b/",
            "http://{to}.example/",
            "http://*.example/",
            "http://a..example/",
            "http://.example/",
            "http://example../",
            "http://1.2.3.256/",
            "http://1.2.3.4.5/",
            "http://[::1/",
            "http://[fe80::1%25eth0]/",
            "http://%00/",
            "http://a%2fb/",
        ] {
            assert_eq!(HttpUrl::parse(bad), None, "{bad:?}");
        }
        assert_eq!(UrlHost::parse(&format!("{}.example", "a.".repeat(130))), None);
    }

    #[test]
    fn path_and_query_do_not_print() {
        let printed = format!("{:?}", HttpUrl::parse("https://a.example/hush?hush").unwrap());
        assert!(printed.contains("a.example") && !printed.contains("hush"), "{printed}");
    }

    proptest::proptest! {
        #[test]
        fn a_parsed_url_has_one_spelling(text in "https?://[!-~ä。１.]{1,16}(/[ -~ä]{0,12})?|.{0,24}") {
            if let Some(url) = HttpUrl::parse(&text) {
                let authority = url.authority();
                proptest::prop_assert!(authority.bytes().all(|b| b.is_ascii_graphic() && b != b'@'), "{authority}");
                let scheme = if url.is_https() { "https" } else { "http" };
                let spelled = format!("{scheme}://{authority}{}", url.path().reveal());
                proptest::prop_assert_eq!(HttpUrl::parse(&spelled), Some(url), "{}", spelled);
            }
        }
    }
}
