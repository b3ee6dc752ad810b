//! The refresh cookie: its name, how it is set and cleared (RFC 6265). Reading cookies is `cookie`'s.

use std::time::Duration;

use poem::Request;

use super::{cookie, origin};
use crate::config::{Config, Environment};
use crate::error::Result;
use crate::model::Secret;

/// The cookie's name; over https the prefix keeps pages without TLS from setting it.
#[must_use]
pub fn name(config: &Config) -> &'static str {
    if is_secure(config) { "__Secure-refreshToken" } else { "refreshToken" }
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
    let life = life.map(|life| format!("; Max-Age={}", life.as_secs())).unwrap_or_default();
    format!("{}={}{life}{}", name(config), token.reveal(), attributes(config, path))
}

/// The `Set-Cookie` header that takes it away.
#[must_use]
pub fn clear(config: &Config, path: &str) -> String {
    format!("{}=; Max-Age=0{}", name(config), attributes(config, path))
}

fn attributes(config: &Config, path: &str) -> String {
    let secure = if is_secure(config) { "; Secure" } else { "" };
    format!("; Path={path}; HttpOnly; SameSite=Strict{secure}")
}

fn is_secure(config: &Config) -> bool {
    let https = config.server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    https || config.server.environment == Environment::Production
}
