//! Renders a template into a response: the headers of every page, its content security policy, and
//! the values of the layout. Templates escape every value, except the style sheet.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::Response;
use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use poem::http::{HeaderValue, StatusCode};

use crate::error::{Error, Result};
use crate::model::secret;
use crate::words::Translation;

const STYLE: &str = include_str!("../../static/pages/page.css");

/// The values of `pages/layout.html`, which every page extends.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Layout<'a> {
    /// The name of the service.
    pub(in crate::web) service: &'a str,
    pub(in crate::web) title: &'a str,
    pub(in crate::web) text: &'a str,
    /// The tag of the language that the page is written in.
    pub(in crate::web) language: &'a str,
    /// `ltr` or `rtl`
    pub(in crate::web) direction: &'a str,
    /// The style sheet. It is inline, so that a page is one request.
    pub(in crate::web) style: &'static str,
}

impl<'a> Layout<'a> {
    #[must_use]
    pub(in crate::web) fn new(
        service: &'a str,
        words: Translation<'a>,
        title: &'a str,
        text: &'a str,
    ) -> Self {
        let Translation { tag, words } = words;
        let direction = &words.language.direction;
        Self { service, title, text, language: tag, direction, style: STYLE }
    }
}

/// The scripts that a page may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Scripts {
    None,
    /// Files of this server.
    Own,
}

/// The content security policy of a page. The style sheet is allowed by its hash, so that no other
/// inline code can take effect.
#[must_use]
pub(in crate::web) fn policy(scripts: Scripts) -> HeaderValue {
    let digest = STANDARD.encode(secret::digest(STYLE.as_bytes()));
    let scripts = match scripts {
        Scripts::None => "",
        Scripts::Own => "script-src 'self'; ",
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; {scripts}img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Renders a page.
///
/// # Errors
/// `Internal` if a value cannot be displayed.
pub(in crate::web) fn page(
    status: StatusCode,
    policy: &HeaderValue,
    template: &impl Template,
) -> Result<Response> {
    let html = template
        .render()
        .map_err(|error| Error::internal("failed to render a page").caused_by(error))?;
    Ok(Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        // With `no-referrer`, browsers send `Origin: null` and the form would look like another
        // site's. `strict-origin` still hides the path with the token.
        .header(REFERRER_POLICY, "strict-origin")
        .header(CONTENT_SECURITY_POLICY, policy.clone())
        .body(html))
}

/// A script of a page.
#[must_use]
pub(in crate::web) fn script(text: &'static str) -> Response {
    Response::builder()
        .header(CONTENT_TYPE, "text/javascript; charset=utf-8")
        .header(CACHE_CONTROL, "public, max-age=3600")
        .body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_runs_only_where_a_page_may_have_one_and_nothing_is_unsafe() {
        for (scripts, is_allowed) in [(Scripts::None, false), (Scripts::Own, true)] {
            let policy = policy(scripts);
            let policy = policy.to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(policy.contains("script-src 'self'"), is_allowed, "{policy}");
        }
    }

    #[test]
    fn the_style_sheet_needs_no_other_host_and_cannot_end_its_element() {
        assert!(!STYLE.contains("http") && !STYLE.contains("@import") && !STYLE.contains("</"));
    }
}
