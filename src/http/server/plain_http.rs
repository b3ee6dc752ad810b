//! Requests in plain HTTP where the public URL promises https: they are redirected or refused
//! (`server.https`). Passwords and tokens in them have crossed the network readable, and would again.

use std::sync::Arc;

use poem::http::header::{CACHE_CONTROL, LOCATION};
use poem::http::uri::Scheme;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use poem::{Body, Endpoint, Request, Response, endpoint};

use crate::config::{HttpsPolicy, Server};
use crate::error::{Error, Kind, Result};
use crate::http::extract::client_ip::{is_trusted_proxy, peer, service_allowed};
use crate::http::server::{headers, metrics};
use crate::tls::ChallengeAnswers;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Probes and scrapes come from machines beside the server, and carry no secret.
const EXEMPT: [&str; 3] = ["/livez", "/readyz", metrics::PATH];

/// The longest target that is repeated in a redirect.
const MAX_TARGET: usize = 8 * 1024;

/// The rule for requests in plain HTTP, if the public URL promises https.
pub(super) struct PlainHttpRule {
    server: Server,
    base: String,
}

impl PlainHttpRule {
    /// The rule of a production server with an https URL. Elsewhere there is none.
    pub(super) fn of(server: &Server) -> Option<Self> {
        let is_promised = server.is_production() && server.is_https();
        let base = server.public_url.clone().filter(|_| is_promised)?;
        (server.https != HttpsPolicy::Off).then(|| Self { server: server.clone(), base })
    }

    /// Where a request in plain HTTP is redirected to; `None` for one that is not.
    ///
    /// # Errors
    /// `Forbidden` for one that is refused: it changes something, or the rule redirects none.
    pub(super) fn check(&self, request: &Request) -> Result<Option<Response>> {
        if !self.is_plain(request) || EXEMPT.contains(&request.uri().path()) {
            return Ok(None);
        }
        let is_read = [Method::GET, Method::HEAD].contains(request.method());
        if is_read
            && self.server.https == HttpsPolicy::Redirect
            && let Some(response) = redirect(&self.base, request.uri())
        {
            return Ok(Some(response));
        }
        Err(Error::with(Kind::Forbidden, "This server is used by https only"))
    }

    /// Whether a client sent the request in plain HTTP. Trusted proxies say so; other peers are the
    /// clients themselves, if the operator has said which peers are proxies.
    fn is_plain(&self, request: &Request) -> bool {
        let peer = peer(request);
        if is_trusted_proxy(&self.server, peer) {
            return is_forwarded_plain(request.headers());
        }
        let is_of_client = self.server.trusted_proxies.is_some()
            && !peer.is_loopback()
            && !peer.is_unspecified()
            && !service_allowed(&self.server, request);
        is_of_client && *request.scheme() == Scheme::HTTP
    }
}

/// Whether all proxies that say anything say that the request came to them in plain HTTP. With
/// several proxies, only the first one speaks with the client.
fn is_forwarded_plain(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(X_FORWARDED_PROTO).iter();
    let mut words = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let is_plain = |word: &[u8]| word.trim_ascii().eq_ignore_ascii_case(b"http");
    words.next().is_some_and(is_plain) && words.all(is_plain)
}

/// The same target under the public URL; `None` if it is not a path or too long.
fn redirect(base: &str, target: &Uri) -> Option<Response> {
    let path = target.path_and_query()?.as_str();
    if !path.starts_with('/') || path.len() > MAX_TARGET {
        return None;
    }
    let location = HeaderValue::from_str(&format!("{base}{path}")).ok()?;
    let response = Response::builder().status(StatusCode::PERMANENT_REDIRECT);
    Some(response.header(LOCATION, location).header(CACHE_CONTROL, "no-store").body(Body::empty()))
}

/// The endpoint of a port that answers the challenges of an authority and redirects everything else
/// to https, independently of `server.https`. A request that changes something is refused: its client
/// must learn that it sends secrets in plain HTTP.
#[must_use]
pub fn redirecting(
    base: String,
    answers: ChallengeAnswers,
) -> impl Endpoint<Output = Response> + 'static {
    let standard = headers::Standard::over(headers::Transport::Plain);
    let parts = Arc::new((base, answers, standard));
    endpoint::make(move |request: Request| {
        let parts = parts.clone();
        async move {
            let (base, answers, standard) = &*parts;
            let is_read = [Method::GET, Method::HEAD].contains(request.method());
            if let Some(text) = answers.text(request.uri().path()).await {
                let response = Response::builder().content_type("application/octet-stream");
                return Ok::<_, poem::Error>(response.body(text));
            }
            let redirected = redirect(base, request.uri()).filter(|_| is_read);
            let mut response = redirected.unwrap_or_else(|| {
                let text = format!("This server is used by https only: {base}\n");
                let response = Response::builder().status(StatusCode::FORBIDDEN);
                response.content_type("text/plain; charset=utf-8").body(text)
            });
            standard.complete(response.headers_mut(), "");
            Ok(response)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use poem::web::{LocalAddr, RemoteAddr};
    use poem::{Addr, RequestParts};

    use super::*;
    use crate::config::{Environment, Network};

    fn server(https: HttpsPolicy) -> Server {
        let server = crate::config::load(&crate::config::Inputs::default()).unwrap().config.server;
        let proxy = Network { address: "10.0.0.5".parse().unwrap(), bits: 32 };
        Server {
            environment: Environment::Production,
            public_url: Some("https://id.example.com".to_owned()),
            trusted_proxies: Some(vec![proxy]),
            https,
            ..server
        }
    }

    fn request(peer: &str, method: Method, scheme: &Scheme, forwarded: &[&str]) -> Request {
        let (mut parts, ()) = poem::http::Request::new(()).into_parts();
        parts.method = method;
        parts.uri = "/docs?a=b".parse().unwrap();
        for line in forwarded {
            parts.headers.append(X_FORWARDED_PROTO, line.parse().unwrap());
        }
        let peer = Addr::socket(SocketAddr::new(peer.parse().unwrap(), 4711));
        let addresses = (LocalAddr(peer.clone()), RemoteAddr(peer));
        let parts = RequestParts::from((parts, addresses.0, addresses.1, scheme.clone()));
        Request::from_parts(parts, Body::empty())
    }

    /// Whether a request passes, is redirected or refused.
    fn outcome(server: &Server, request: &Request) -> String {
        let Some(rule) = PlainHttpRule::of(server) else { return "no rule".to_owned() };
        match rule.check(request) {
            Ok(None) => "passes".to_owned(),
            Ok(Some(response)) => response.headers()[LOCATION].to_str().unwrap().to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        }
    }

    #[test]
    fn what_came_in_plain_http_is_redirected_or_refused() {
        let (redirect, refuse) = (server(HttpsPolicy::Redirect), server(HttpsPolicy::Refuse));
        let there = "https://id.example.com/docs?a=b";
        let (http, https) = (Scheme::HTTP, Scheme::HTTPS);
        for (peer, scheme, forwarded, expected) in [
            ("198.51.100.7", &http, &[][..], there),
            ("198.51.100.7", &https, &[], "passes"),
            // A client's own claim counts for nothing.
            ("198.51.100.7", &http, &["https"], there),
            ("10.0.0.5", &http, &["http"], there),
            ("10.0.0.5", &https, &["HTTP"], there),
            ("10.0.0.5", &http, &["http, http", "http"], there),
            ("10.0.0.5", &http, &["https"], "passes"),
            ("10.0.0.5", &http, &["https, http"], "passes"),
            ("10.0.0.5", &http, &[], "passes"),
            ("127.0.0.1", &http, &[], "passes"),
        ] {
            let get = request(peer, Method::GET, scheme, forwarded);
            let post = request(peer, Method::POST, scheme, forwarded);
            let refused = if expected == "passes" { "passes" } else { "Forbidden" };
            assert_eq!(outcome(&redirect, &get), expected, "{peer} {forwarded:?}");
            assert_eq!(outcome(&redirect, &post), refused, "{peer} {forwarded:?}");
            assert_eq!(outcome(&refuse, &get), refused, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn there_is_no_rule_where_nothing_is_promised_or_known() {
        let get = request("198.51.100.7", Method::GET, &Scheme::HTTP, &[]);
        let on = server(HttpsPolicy::Redirect);
        let development = Server { environment: Environment::Development, ..on.clone() };
        let http = Server { public_url: Some("http://id.example.com".into()), ..on.clone() };
        for server in [server(HttpsPolicy::Off), development, http] {
            assert_eq!(outcome(&server, &get), "no rule");
        }
        // Whether the peer is a proxy is not known.
        assert_eq!(outcome(&Server { trusted_proxies: None, ..on.clone() }, &get), "passes");
        let mut probe = get;
        *probe.uri_mut() = "/readyz".parse().unwrap();
        assert_eq!(outcome(&on, &probe), "passes");
    }
}
