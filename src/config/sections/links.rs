//! `[links]`: where links in mail lead and how long they are valid.

use std::time::Duration;

use crate::config::reader::{ConfigReader, ReadResult};

/// `[links]`: where links in mail lead and how long they are valid.
#[derive(Debug, Clone)]
pub struct Links {
    /// How long a verification link is valid.
    pub verify_life: Duration,
    /// The application's page for it, a URL that contains `{token}`. `None` means the built-in
    /// page.
    pub verify: Option<String>,
    /// The built-in page submits the link at once if scripts run, instead of waiting for its
    /// button.
    pub post_at_once: bool,
    /// How long a link that sets a new password is valid.
    pub reset_life: Duration,
    /// The application's page for it, a URL that contains `{token}`. `None` means the built-in
    /// page.
    pub reset: Option<String>,
    /// The application's page that confirms a new address, a URL that contains `{token}`. `None`
    /// means the built-in page.
    pub confirm_email: Option<String>,
    /// Which of their paths the links to built-in pages use.
    pub mount: PageMount,
}

/// The paths under which the built-in pages are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageMount {
    /// `/v1`, as the native API.
    V1,
    /// The root.
    Root,
}

impl PageMount {
    /// The part of the path before that of the page.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::V1 => "/v1",
            Self::Root => "",
        }
    }
}

/// The placeholder for the token.
const TOKEN: &str = "{token}";

impl Links {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let life = Duration::from_secs(1)..=Duration::from_hours(366 * 24);
        let verify_life = r.duration("links.verify_life", life.clone());
        let verify = template(r, "links.verify");
        let post_at_once = r.truth("links.post_at_once");
        let reset_life = r.duration("links.reset_life", life);
        let reset = template(r, "links.reset");
        let confirm_email = template(r, "links.confirm_email");
        let mount = r.choice("links.mount", &[("v1", PageMount::V1), ("root", PageMount::Root)]);
        Ok(Self {
            mount: mount?,
            verify_life: verify_life?,
            verify: verify?,
            post_at_once: post_at_once?,
            reset_life: reset_life?,
            reset: reset?,
            confirm_email: confirm_email?,
        })
    }
}

fn template(r: &mut ConfigReader, key: &'static str) -> ReadResult<Option<String>> {
    r.option(key, "a URL that contains {token}", |raw| {
        let text = raw.to_text();
        is_template(text.trim()).then(|| text.trim().to_owned())
    })
}

/// True for a URL that contains the token once, after its host. Custom schemes of mobile apps are
/// allowed.
fn is_template(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    let is_plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`|".contains(&b));
    let is_behind_host =
        rest.find(['/', '?', '#']).is_some_and(|end| rest.find(TOKEN).is_some_and(|at| at > end));
    is_scheme && is_plain && is_behind_host && rest.matches(TOKEN).count() == 1
}
