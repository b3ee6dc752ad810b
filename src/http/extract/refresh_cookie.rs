//! The refresh cookie: its name, and how it is read, set and cleared (RFC 6265). For parsing see
//! `cookie`.

use std::time::Duration;

use poem::Request;

use crate::config::Config;
use crate::error::Result;
use crate::http::extract::{cookie, origin};
use crate::http::server::headers::Transport;
use crate::model::Secret;
use crate::model::time::whole_seconds;

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

/// Reads the refresh token from the cookie, if the page that sent it may use it.
///
/// # Errors
/// `ForeignOrigin` if a page of another site sent it, `Validation` if it occurs twice or is
/// malformed.
pub fn read(request: &Request, config: &Config, naming: Naming) -> Result<Option<Secret>> {
    let found =
        cookie::find(request.headers(), name(config, naming))?.filter(|value| !value.is_empty());
    if found.is_some() {
        origin::check(request, config)?;
    }
    Ok(found.map(Secret::new))
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
