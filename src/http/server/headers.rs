//! Headers of every response: security, caching, request id. A header set by the endpoint takes
//! precedence.

use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{Environment, Server};
use crate::http::server::request_id;

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const ALWAYS: [(HeaderName, &str); 7] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (X_XSS_PROTECTION, "1; mode=block"),
    (CONTENT_SECURITY_POLICY, "default-src 'self'"),
    (REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (PERMISSIONS_POLICY, "camera=(), microphone=(), geolocation=()"),
    (CACHE_CONTROL, "no-store"),
];

/// How browsers reach the service; decides whether HSTS is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Over HTTPS.
    Https,
    /// Over plain HTTP, during development.
    Plain,
}

impl Transport {
    /// Reads the transport from the configuration.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        let https = server.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        if https || server.environment == Environment::Production {
            Self::Https
        } else {
            Self::Plain
        }
    }
}

/// The default headers of every response.
#[derive(Debug, Clone)]
pub struct Standard(HeaderMap);

impl Standard {
    /// The headers for this transport.
    #[must_use]
    pub fn over(transport: Transport) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if transport == Transport::Https {
            let a_year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
            headers.insert(STRICT_TRANSPORT_SECURITY, a_year);
        }
        Self(headers)
    }

    /// Adds the default headers that the endpoint has not set, and the request id.
    pub fn complete(&self, headers: &mut HeaderMap, request_id: &str) {
        let own = std::mem::replace(headers, self.0.clone());
        headers.reserve(own.len() + 1);
        for name in own.keys() {
            headers.remove(name);
        }
        headers.extend(own);
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(request_id::HEADER, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::header::SET_COOKIE;

    #[test]
    fn the_documents_headers_are_on_a_bare_response() {
        let mut headers = HeaderMap::new();
        Standard::over(Transport::Https).complete(&mut headers, "id-1");
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-xss-protection", "1; mode=block"),
            ("content-security-policy", "default-src 'self'"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
            ("cache-control", "no-store"),
            ("x-request-id", "id-1"),
        ] {
            assert_eq!(headers[name], value);
        }
    }

    #[test]
    fn a_page_keeps_its_own_policy_and_a_plain_port_asks_for_no_https() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        Standard::over(Transport::Plain).complete(&mut headers, "id-1");
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'none'");
        assert_eq!(headers[CACHE_CONTROL], "max-age=60");
        assert_eq!(headers.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
