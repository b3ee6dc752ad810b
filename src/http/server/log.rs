//! Writes one log line per request, without query, headers or body.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use poem::http::{Method, StatusCode};

const LONGEST_PATH: usize = 256;

/// The fields of a request's log line.
pub struct RequestLine<'a> {
    pub method: &'a Method,
    /// The path without its query, because the query may contain tokens.
    pub path: &'a str,
    pub status: StatusCode,
    pub took: Duration,
    pub client: IpAddr,
    pub request_id: &'a str,
}

impl RequestLine<'_> {
    /// Writes the line.
    pub fn write(&self) {
        tracing::info!(
            target: "authd::request",
            method = self.method.as_str(),
            path = %Plain(self.path),
            status = self.status.as_u16(),
            ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            client = %self.client,
            request_id = self.request_id,
            "request"
        );
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
    fn a_long_path_is_cut() {
        assert_eq!(Plain(&"a".repeat(256)).to_string().len(), 256);
        assert_eq!(Plain(&"a".repeat(9000)).to_string().chars().count(), 257);
    }
}
