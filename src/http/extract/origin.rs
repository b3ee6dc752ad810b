//! Origins of web pages: which ones are ours, and whether a request with our cookie comes from an
//! allowed one.

use poem::Request;
use poem::http::header::{HOST, ORIGIN};
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::config::{Config, Server};
use crate::error::{Error, Kind, Result};
use crate::http::server::headers::Transport;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a cookie-authenticated request from a page of another site (CSRF).
///
/// # Errors
/// [`Kind::ForeignOrigin`] if `Origin` is neither ours nor allowed, or if `Origin` is absent and
/// `Sec-Fetch-Site` is `cross-site`.
pub fn check(request: &Request, config: &Config) -> Result<()> {
    check_headers(request.headers(), &config.server)
}

/// Whether the response may set or clear cookies. Not for a page of another site: with a form that
/// sends no cookie, it could end the user's login or replace it with the attacker's (login CSRF).
#[must_use]
pub fn may_set_cookies(headers: &HeaderMap, server: &Server) -> bool {
    check_headers(headers, server).is_ok()
}

/// Refuses a form posted from a page of another site. The form needs no cookie, so without a public
/// URL any host that reaches this server counts as our own.
///
/// # Errors
/// [`Kind::ForeignOrigin`], see [`check`].
pub fn check_form(request: &Request, config: &Config) -> Result<()> {
    let (headers, server) = (request.headers(), &config.server);
    let is_own = server.public_url.is_none() && is_of_same_host(headers);
    if is_own { Ok(()) } else { check_headers(headers, server) }
}

/// Refuses a request to a page that carries its own session, if it comes from any other page: those
/// of allowed origins may call the API, but must neither read nor post these pages.
///
/// # Errors
/// [`Kind::ForeignOrigin`] for a foreign `Origin`, and for a POST without `Origin` from a page that
/// is not of the same origin.
pub fn check_own(request: &Request, config: &Config) -> Result<()> {
    let headers = request.headers();
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_own = match (origins.next(), origins.next()) {
        (None, _) => {
            let site = headers.get(SEC_FETCH_SITE).map_or(Ok("none"), HeaderValue::to_str);
            request.method() != Method::POST || matches!(site, Ok("same-origin" | "none"))
        }
        (Some(origin), None) => {
            let origin = origin.to_str().ok().and_then(normal);
            origin.is_some() && origin == own(headers, &config.server)
        }
        (Some(_), Some(_)) => false,
    };
    if is_own { Ok(()) } else { Err(Error::new(Kind::ForeignOrigin)) }
}

/// The origin of our own pages: the public URL, or else the host that the request names.
fn own(headers: &HeaderMap, server: &Server) -> Option<String> {
    if let Some(url) = &server.public_url {
        return of_url(url);
    }
    let scheme = if Transport::of(server) == Transport::Https { "https" } else { "http" };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok())?;
    normal(&format!("{scheme}://{host}"))
}

fn is_of_same_host(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let origin = origin.to_str().ok().and_then(normal);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = |scheme: &str| host.and_then(|host| normal(&format!("{scheme}://{host}")));
    origin.is_some() && (origin == own("http") || origin == own("https"))
}

fn check_headers(headers: &HeaderMap, server: &Server) -> Result<()> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let allowed = match (origins.next(), origins.next()) {
        (None, _) => headers.get(SEC_FETCH_SITE).is_none_or(|site| site != "cross-site"),
        (Some(origin), None) => origin.to_str().ok().and_then(normal).is_some_and(|origin| {
            is_own(&origin, headers, server)
                || server.cors_origins.iter().any(|known| normal(known).as_ref() == Some(&origin))
        }),
        (Some(_), Some(_)) => false,
    };
    if allowed { Ok(()) } else { Err(Error::new(Kind::ForeignOrigin)) }
}

/// Without a public URL, our own origin is the request's `Host`, but only if it is a loopback host.
fn is_own(origin: &str, headers: &HeaderMap, server: &Server) -> bool {
    if let Some(url) = &server.public_url {
        return of_url(url).as_deref() == Some(origin);
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = host.and_then(|host| normal(&format!("http://{host}")));
    own.as_deref() == Some(origin) && is_loopback(origin)
}

/// Normalizes an origin: lower case, without the default port of its scheme. `None` for anything
/// that is not the origin of a page.
#[must_use]
pub fn normal(origin: &str) -> Option<String> {
    let (_, authority) = origin.split_once("://")?;
    (!authority.contains(['/', '?', '#', '@'])).then(|| of_url(origin)).flatten()
}

/// The origin of a URL.
#[must_use]
pub fn of_url(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?;
    let host = authority.host().to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    if host.is_empty() {
        return None;
    }
    Some(match authority.port_u16() {
        Some(port) if port != usual => format!("{scheme}://{host}:{port}"),
        Some(_) => format!("{scheme}://{host}"),
        None if authority.as_str().len() == authority.host().len() => format!("{scheme}://{host}"),
        None => return None,
    })
}

/// Whether a URL's host is a loopback name or address.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(host) = uri.host().map(str::to_ascii_lowercase) else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn server(public_url: Option<&str>) -> Server {
        Server {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: public_url.map(str::to_owned),
            https: crate::config::HttpsPolicy::Redirect,
            wire: crate::config::WireName::V1,
            environment: Environment::Development,
            trusted_proxies: None,
            service_networks: None,
            service_hosts: vec![],
            reveal_secret_ends: false,
            cors_origins: vec!["https://app.example.com".into()],
            connections: 8,
            connections_client: 8,
            handshakes_client: 1,
            body_limit: 65536,
        }
    }

    fn answer(server: &Server, lines: &[(&str, &str)]) -> Result<(), Kind> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers
                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        check_headers(&headers, server).map_err(|error| error.kind())
    }

    #[test]
    fn a_cookie_may_come_from_our_own_pages_and_the_listed_ones() {
        let public = server(Some("https://auth.example.com"));
        for lines in [
            vec![],
            vec![("origin", "https://auth.example.com")],
            vec![("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
        ] {
            assert_eq!(answer(&public, &lines), Ok(()), "{lines:?}");
        }
        let local = [("host", "localhost:3000"), ("origin", "http://localhost:3000")];
        assert_eq!(answer(&server(None), &local), Ok(()));
    }

    #[test]
    fn a_cookie_from_any_other_page_is_refused() {
        let public = server(Some("https://auth.example.com"));
        for lines in [
            vec![("origin", "null")],
            vec![("origin", "https://evil.example")],
            vec![("origin", "http://auth.example.com")],
            vec![("origin", "https://auth.example.com"), ("origin", "https://auth.example.com")],
            vec![("sec-fetch-site", "cross-site")],
            vec![("host", "localhost:3000"), ("origin", "http://localhost:3000")],
        ] {
            assert_eq!(answer(&public, &lines), Err(Kind::ForeignOrigin), "{lines:?}");
        }
        let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
        assert_eq!(answer(&server(None), &rebound), Err(Kind::ForeignOrigin));
    }

    #[test]
    fn a_form_may_come_from_the_host_that_it_goes_to_unless_a_public_url_says_more() {
        let headers = |host: &str, origin: &str| {
            HeaderMap::from_iter([(HOST, host.parse().unwrap()), (ORIGIN, origin.parse().unwrap())])
        };
        assert!(is_of_same_host(&headers("box.lan:3000", "http://box.lan:3000")));
        assert!(is_of_same_host(&headers("id.example", "https://id.example")));
        for origin in ["http://evil.example", "null", "http://box.lan", ""] {
            assert!(!is_of_same_host(&headers("box.lan:3000", origin)), "{origin}");
        }
    }

    #[test]
    fn an_origin_has_one_spelling() {
        for (written, normal_form) in [
            ("https://App.Example.com", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://app.example.com:80", "http://app.example.com"),
            ("https://app.example.com:8443", "https://app.example.com:8443"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(normal(written).as_deref(), Some(normal_form), "{written}");
        }
    }

    #[test]
    fn what_is_no_origin_of_a_page_has_none() {
        for written in [
            "null",
            "",
            "*",
            "https://",
            "ftp://a.example",
            "https://a.example/",
            "https://u@a.example",
            "a.example",
        ] {
            assert_eq!(normal(written), None, "{written}");
        }
    }

    #[test]
    fn loopback_is_a_name_or_an_address_of_this_machine() {
        for url in [
            "http://localhost:3000",
            "http://app.localhost",
            "http://127.0.0.1",
            "http://[::1]:80/x",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://localhost.example.com", "https://example.com", "http://10.0.0.1", "x"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
