//! What kind of response a request accepts.

use poem::http::HeaderMap;
use poem::http::header::ACCEPT;

const HTML: &str = "text/html";

/// Whether a request names HTML among what it accepts.
#[must_use]
pub fn names_html(headers: &HeaderMap) -> bool {
    names(headers, HTML)
}

/// Whether a browser opens an address: browsers name HTML then. Programs name JSON, or accept
/// anything.
#[must_use]
pub fn is_browser(headers: &HeaderMap) -> bool {
    names(headers, HTML) && !names(headers, "application/json")
}

fn names(headers: &HeaderMap, kind: &str) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(|range| range.split(';').next().unwrap_or(range).trim())
        .any(|range| range.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_browsers_get_the_page() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("TEXT/HTML; q=0.9", true),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/plain, */*", false),
            ("text/html, application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(is_browser(&headers), expected, "{accept}");
            assert_eq!(names_html(&headers), accept.to_lowercase().contains(HTML), "{accept}");
        }
        assert!(!is_browser(&HeaderMap::new()));
    }
}
