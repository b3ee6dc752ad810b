//! Renders a template into a response: the headers of every page, its content security policy, and
//! the values of the layout. Templates escape every value, except the operator's own fragments.

use askama::Template;
use poem::Response;
use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use poem::http::{HeaderValue, StatusCode};

use crate::error::{Error, Result};
use crate::web::brand::Brand;
use crate::words::Translation;

/// The values of the document around every page (`pages/account_frame.html`).
#[derive(Clone, Copy)]
pub(in crate::web) struct Layout<'a> {
    pub(in crate::web) brand: &'a Brand,
    pub(in crate::web) words: Translation<'a>,
    pub(in crate::web) title: &'a str,
    /// The page, among those that a template of the operator can arrange.
    pub(in crate::web) page: &'static str,
    /// What the page says, where it is only that.
    pub(in crate::web) text: &'a str,
    /// The token of the page's forms.
    pub(in crate::web) token: &'a str,
    /// The prefix of the files that the page loads: one of the mounts.
    pub(in crate::web) mount: &'a str,
    pub(in crate::web) has_script: bool,
    /// The page leads to the sign-in page.
    pub(in crate::web) has_sign_in: bool,
}

impl<'a> Layout<'a> {
    #[must_use]
    pub(in crate::web) fn new(
        brand: &'a Brand,
        words: Translation<'a>,
        title: &'a str,
        text: &'a str,
    ) -> Self {
        Self {
            brand,
            words,
            title,
            page: "",
            text,
            token: "",
            mount: "",
            has_script: false,
            has_sign_in: false,
        }
    }
}

impl Layout<'_> {
    /// Whether the page marks its parts, for templates of the operator.
    pub(in crate::web) fn has_marks(&self) -> bool {
        self.brand.own.has_bodies()
    }
}

/// The scripts that a page may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Scripts {
    None,
    /// Files of this server.
    Own,
}

/// The content security policy of the pages that links open. Nothing inline can take effect.
#[must_use]
pub(in crate::web) fn policy(scripts: Scripts) -> HeaderValue {
    HeaderValue::from_static(match scripts {
        Scripts::None => {
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types 'none'"
        }
        Scripts::Own => {
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
        }
    })
}

/// Renders a page.
///
/// # Errors
/// `Internal` if a value cannot be displayed.
pub(in crate::web) fn page(
    status: StatusCode,
    policy: &HeaderValue,
    brand: &Brand,
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
        .body(brand.own.arrange(html)))
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
            assert!(policy.starts_with("default-src 'none'; style-src 'self'; "), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(policy.contains("script-src 'self'"), is_allowed, "{policy}");
        }
    }
}
