//! The refresh cookie: its name, how it is set and cleared (RFC 6265). Reading cookies is `cookie`'s.

use std::time::Duration;

use poem::Request;

use super::headers::Transport;
use super::{cookie, origin};
use crate::config::Config;
use crate::error::Result;
use crate::model::Secret;

/// The cookie's name; over https the prefix keeps pages without TLS from setting it.
#[must_use]
pub fn name(config: &Config) -> &'static str {
    name_over(Transport::of(&config.server))
}

/// The refresh token that the cookie brings, from a page that may use it.
///
/// # Errors
/// `ForeignOrigin` when another site's page sent it, `Validation` when it came twice.
pub fn read(request: &Request, config: &Config) -> Result<Option<Secret>> {
    let found = cookie::find(request.headers(), name(config))?.filter(|value| !value.is_empty());
    if found.is_some() {
        origin::check(request, config)?;
    }
    Ok(found.map(Secret::new))
}

/// The `Set-Cookie` header that hands a refresh token over; without a life it goes when the browser closes.
#[must_use]
pub fn set(config: &Config, path: &str, token: &Secret, life: Option<Duration>) -> String {
    header(Transport::of(&config.server), path, token, life)
}

/// The `Set-Cookie` header that takes it away.
#[must_use]
pub fn clear(config: &Config, path: &str) -> String {
    header(Transport::of(&config.server), path, &Secret::new(""), Some(Duration::ZERO))
}

fn header(transport: Transport, path: &str, token: &Secret, life: Option<Duration>) -> String {
    let life = life.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
    format!("{}={}{life}{}", name_over(transport), token.reveal(), attributes(transport, path))
}

fn name_over(transport: Transport) -> &'static str {
    match transport {
        Transport::Https => "__Secure-refreshToken",
        Transport::Plain => "refreshToken",
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
        assert_eq!(attributes(Transport::Plain, "/v1/auth"), "; Path=/v1/auth; HttpOnly; SameSite=Strict");
        assert_eq!(attributes(Transport::Https, "/v1/auth"), "; Path=/v1/auth; HttpOnly; SameSite=Strict; Secure");
    }

    #[test]
    fn a_cookie_without_a_life_goes_with_the_browser() {
        let token = Secret::new("abc");
        let set = |life| header(Transport::Plain, "/v1/auth", &token, life);
        assert!(set(None).starts_with("refreshToken=abc; Path"));
        assert!(set(Some(Duration::from_mins(1))).starts_with("refreshToken=abc; Max-Age=60; Path"));
    }
}
