//! The refresh cookie: its name, and how it is read, set and cleared (RFC 6265). For parsing see
//! `cookie`.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use poem::Request;
use poem::http::header::HOST;

use crate::config::Config;
use crate::error::{Error, Kind, Result, limit};
use crate::http::extract::{cookie, origin};
use crate::http::server::carried;
use crate::http::server::headers::Transport;
use crate::http::server::response::ResponseCookies;
use crate::identity::Core;
use crate::identity::access::counted::Checked;
use crate::identity::login::gate::Issued;
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::refresh;
use crate::identity::session::refresh::TokenTransport;
use crate::model::time::whole_seconds;
use crate::model::{Secret, Source};

/// How many parent domains and path prefixes are cleared of planted cookies at most.
const MAX_DOMAINS: usize = 4;
/// See [`MAX_DOMAINS`].
const MAX_PREFIXES: usize = 6;

/// How a wire names its cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Over HTTPS with the `__Secure-` prefix, so that pages without TLS cannot set the cookie.
    Guarded,
    /// The name in the wire's document, for every transport.
    AsDocumented,
}

/// The name of the cookie.
#[must_use]
pub fn name(config: &Config, naming: Naming) -> &'static str {
    name_over(Transport::of(&config.server), naming)
}

/// What a request brought under the cookie's name.
pub struct FoundCookie {
    core: Arc<Core>,
    naming: Naming,
    /// An error if the cookie occurs twice or is malformed.
    token: Result<Option<Secret>>,
    /// The path and the host that the browser sent the cookie to.
    path: String,
    host: String,
    response: ResponseCookies,
}

impl FoundCookie {
    /// Reads the cookie.
    ///
    /// # Errors
    /// `ForeignOrigin` if a page of another site sent it.
    pub(in crate::http::extract) fn of(request: &Request, naming: Naming) -> Result<Self> {
        let core = carried::core(request)?;
        let token = cookie::find(request.headers(), name(&core.config, naming))
            .map(|found| found.filter(|value| !value.is_empty()));
        if !matches!(token, Ok(None)) {
            origin::check(request, &core.config)?;
        }
        Ok(Self {
            core: core.clone(),
            naming,
            token: token.map(|found| found.map(Secret::new)),
            path: request.original_uri().path().to_owned(),
            host: host_of(&core.config, request),
            response: carried::response_cookies(request)?.clone(),
        })
    }

    /// Deletes every cookie of this name that the browser would send here, except the one that the
    /// server sets. A page of a neighbouring host can plant such a cookie, and while the browser has
    /// two, neither works.
    fn clear_others(&self, own: &str) {
        let parents = domains(&self.host);
        for path in prefixes(&self.path) {
            let domains = parents.iter().map(|domain| format!("; Domain={domain}"));
            for domain in std::iter::once(String::new()).chain(domains) {
                let is_own = path == own
                    && (domain.is_empty() || domain.ends_with(&format!("={}", self.host)));
                if !is_own {
                    let cleared = clear(&self.core.config, self.naming, path);
                    self.response.add(&format!("{cleared}{domain}"));
                }
            }
        }
    }
}

/// The refresh cookie of a wire, as set for its path. A refused token is cleared here, so no wire
/// can forget it.
pub struct OwnCookie {
    found: FoundCookie,
    path: String,
}

impl OwnCookie {
    pub(in crate::http::extract) fn new(found: FoundCookie, path: &str) -> Self {
        if found.token.is_err() {
            found.clear_others(path);
        }
        Self { found, path: path.to_owned() }
    }

    /// Takes the token out.
    ///
    /// # Errors
    /// `Validation` if the cookie occurs twice or is malformed.
    pub fn take(self) -> Result<Option<CookieToken>> {
        let Self { mut found, path } = self;
        let token = std::mem::replace(&mut found.token, Ok(None))?;
        Ok(token.map(|token| CookieToken { found, path, token }))
    }
}

/// A refresh token that came in the cookie.
pub struct CookieToken {
    found: FoundCookie,
    path: String,
    token: Secret,
}

impl CookieToken {
    /// Refreshes the session behind the token. Clears the cookie if it is dead.
    ///
    /// # Errors
    /// As [`refresh::rotate`].
    pub async fn refresh(
        self,
        checked: &Checked<limit::Refresh>,
        source: &Source,
    ) -> Result<Issued> {
        let (core, token) = (&self.found.core, self.token.reveal());
        let refreshed = refresh::rotate(core, token, TokenTransport::Cookie, checked, source).await;
        refreshed.map_err(|failure| self.refused(failure))
    }

    /// Finds the session of the token, to end it. Clears the cookie if it is dead.
    ///
    /// # Errors
    /// As [`refresh::holder`].
    pub async fn holder(self) -> Result<SessionHolder> {
        let found = refresh::holder(&self.found.core, self.token.reveal()).await;
        found.map_err(|failure| self.refused(failure))
    }

    /// A token that was never good, or whose session has ended, can only be refused again. After
    /// another refusal the browser may have a newer one by now.
    fn refused(&self, failure: Error) -> Error {
        if matches!(failure.kind(), Kind::RefreshInvalid | Kind::RefreshRevoked) {
            let FoundCookie { core, naming, response, .. } = &self.found;
            response.add(&clear(&core.config, *naming, &self.path));
        }
        failure
    }
}

/// The host that the browser shows: that of the public URL, or else the one it asked for.
fn host_of(config: &Config, request: &Request) -> String {
    let asked = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let public = config.server.public_url.as_deref().and_then(|url| url.split_once("://"));
    let authority = public.map(|(_, rest)| rest).or_else(asked).unwrap_or_default();
    let host = authority.split(['/', ':']).next().unwrap_or_default();
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The domains whose cookies a browser sends to this host: itself and its parents of two labels or
/// more.
fn domains(host: &str) -> Vec<&str> {
    if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
        return Vec::new();
    }
    let parents = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
    std::iter::once(host).chain(parents).filter(|one| one.contains('.')).take(MAX_DOMAINS).collect()
}

/// The paths whose cookies a browser sends to this path: itself, and what it begins with up to a
/// slash.
fn prefixes(path: &str) -> Vec<&str> {
    let inner = path.match_indices('/').skip(1).map(|(slash, _)| &path[..slash]);
    let all = std::iter::once("/").chain(inner).chain(std::iter::once(path));
    all.filter(|one| !one.contains([';', ',']) && one.is_ascii()).take(MAX_PREFIXES).collect()
}

/// The `Set-Cookie` value with a refresh token. Without a lifetime the cookie ends when the browser
/// closes.
#[must_use]
pub fn set(
    config: &Config,
    naming: Naming,
    path: &str,
    token: &Secret,
    life: Option<Duration>,
) -> String {
    header(Transport::of(&config.server), naming, path, token, life)
}

/// The `Set-Cookie` value that deletes the cookie.
#[must_use]
pub fn clear(config: &Config, naming: Naming, path: &str) -> String {
    header(Transport::of(&config.server), naming, path, &Secret::new(""), Some(Duration::ZERO))
}

fn header(
    transport: Transport,
    naming: Naming,
    path: &str,
    token: &Secret,
    life: Option<Duration>,
) -> String {
    let life = life.map(|life| format!("; Max-Age={}", whole_seconds(life))).unwrap_or_default();
    format!(
        "{}={}{life}{}",
        name_over(transport, naming),
        token.reveal(),
        attributes(transport, path)
    )
}

fn name_over(transport: Transport, naming: Naming) -> &'static str {
    match (transport, naming) {
        (Transport::Https, Naming::Guarded) => "__Secure-refreshToken",
        _ => "refreshToken",
    }
}

fn attributes(transport: Transport, path: &str) -> String {
    let secure = if transport == Transport::Https { "; Secure" } else { "" };
    format!("; Path={path}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_of_a_host_come_from_its_parents_and_from_the_beginnings_of_the_path() {
        for (host, expected) in [
            ("auth.example.com", vec!["auth.example.com", "example.com"]),
            ("example.com", vec!["example.com"]),
            ("localhost", vec![]),
            ("192.0.2.1", vec![]),
            ("[2001:db8::1]", vec![]),
        ] {
            assert_eq!(domains(host), expected, "{host}");
        }
        assert_eq!(prefixes("/v1/auth/logout"), ["/", "/v1", "/v1/auth", "/v1/auth/logout"]);
        assert_eq!(prefixes("/logout"), ["/", "/logout"]);
    }

    #[test]
    fn a_cookie_is_narrow_and_out_of_reach_for_script() {
        assert_eq!(
            attributes(Transport::Plain, "/v1/auth"),
            "; Path=/v1/auth; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            attributes(Transport::Https, "/v1/auth"),
            "; Path=/v1/auth; HttpOnly; SameSite=Strict; Secure"
        );
    }

    #[test]
    fn a_cookie_without_a_life_goes_with_the_browser() {
        let token = Secret::new("abc");
        let set = |life| header(Transport::Plain, Naming::Guarded, "/v1/auth", &token, life);
        assert!(set(None).starts_with("refreshToken=abc; Path"));
        assert!(
            set(Some(Duration::from_mins(1))).starts_with("refreshToken=abc; Max-Age=60; Path")
        );
        assert!(
            set(Some(Duration::from_millis(604_799_990)))
                .starts_with("refreshToken=abc; Max-Age=604800; Path")
        );
        assert!(set(Some(Duration::ZERO)).starts_with("refreshToken=abc; Max-Age=0; Path"));
    }
}
