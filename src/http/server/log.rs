//! Writes one log line per request, without query, path parameters, headers or body, and limits
//! warnings that clients can cause.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use poem::http::{Method, StatusCode};

use crate::env::Env;
use crate::model::{Time, percent};

const LONGEST_PATH: usize = 256;

/// The fields of a request's log line.
pub struct RequestLine<'a> {
    pub method: &'a Method,
    /// The path without its query, because the query may contain tokens.
    pub path: &'a str,
    /// The route template. It is logged instead of the path, whose parameters may be addresses.
    pub route: Option<&'a str>,
    pub status: StatusCode,
    pub took: Duration,
    pub client: IpAddr,
    pub request_id: &'a str,
}

impl RequestLine<'_> {
    /// Writes the line.
    pub fn write(&self) {
        let path = match self.route {
            Some(route) => Cow::Borrowed(route),
            None => without_addresses(self.path),
        };
        tracing::info!(
            target: "authd::request",
            method = self.method.as_str(),
            path = %Plain(&path),
            status = self.status.as_u16(),
            ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            client = %self.client,
            request_id = self.request_id,
            "request"
        );
    }
}

/// A path that matched no route, with an ellipsis for each segment that may be an email address.
fn without_addresses(path: &str) -> Cow<'_, str> {
    let is_address =
        |segment: &str| percent::decode(segment).is_none_or(|plain| plain.contains('@'));
    if !path.split('/').any(is_address) {
        return path.into();
    }
    let shown: Vec<&str> =
        path.split('/').map(|part| if is_address(part) { "…" } else { part }).collect();
    shown.join("/").into()
}

/// How often a warning that clients can cause is written at most.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// Permits one warning a minute.
pub struct WarningLimit {
    env: Env,
    last: Mutex<Option<Time>>,
}

impl WarningLimit {
    /// Permits the first warning at once.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env, last: Mutex::new(None) }
    }

    /// Whether the warning may be written now; then not again for a minute.
    pub fn permits(&self) -> bool {
        let now = self.env.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let permits = last.is_none_or(|at| now.since(at) >= WARN_EVERY);
        if permits {
            *last = Some(now);
        }
        permits
    }
}

/// Displays untrusted text so that it cannot forge a log line: control characters are escaped, and
/// long text is truncated.
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for char in self.0.chars().take(LONGEST_PATH) {
            if char.is_control()
                || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                write!(f, "{}", char.escape_unicode())?;
            } else {
                f.write_char(char)?;
            }
        }
        if self.0.chars().nth(LONGEST_PATH).is_some() { f.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_forge_a_line() {
        assert_eq!(Plain("/a\nb\u{1b}[31m\u{2028}").to_string(), "/a\\u{a}b\\u{1b}[31m\\u{2028}");
        assert_eq!(Plain("/v1/ü").to_string(), "/v1/ü");
    }

    #[test]
    fn a_path_shows_no_address() {
        for (path, shown) in [
            ("/v1/nothing", "/v1/nothing"),
            ("/v1/jo@example.com/x", "/v1/…/x"),
            ("/jo%40example.com", "/…"),
            ("/%6a%6f%40example.com", "/…"),
            ("/%zz", "/…"),
        ] {
            assert_eq!(without_addresses(path), shown);
        }
    }

    #[test]
    fn a_warning_is_written_once_a_minute() {
        let clock = std::sync::Arc::new(crate::env::HandClock::at(Time::from_millis(0)));
        let random = std::sync::Arc::new(crate::env::SystemRandomness::default());
        let limit = WarningLimit::new(Env::new(clock.clone(), random));
        assert!(limit.permits() && !limit.permits());
        clock.advance(Duration::from_secs(59));
        assert!(!limit.permits());
        clock.advance(Duration::from_secs(1));
        assert!(limit.permits() && !limit.permits());
    }

    #[test]
    fn a_long_path_is_cut() {
        assert_eq!(Plain(&"a".repeat(256)).to_string().len(), 256);
        assert_eq!(Plain(&"a".repeat(9000)).to_string().chars().count(), 257);
    }
}
