//! `[links]`: where links in mail lead and how long they are valid.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::{ConfigReader, ReadResult};

/// The shortest and the longest lifetime of a link.
const LIFE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(366 * 24);

section! {
    /// `[links]`: where links in mail lead and how long they are valid.
    pub struct Links = "links" {
        /// How long a verification link is valid.
        verify_life: Duration = duration(LIFE);
        /// The application's page for it, a URL that contains `{token}`. `None` means the built-in
        /// page.
        verify: Option<String> = link_template();
        /// The built-in page submits the link at once if scripts run, instead of waiting for its
        /// button.
        post_at_once: bool = truth();
        /// How long a link that sets a new password is valid.
        reset_life: Duration = duration(LIFE);
        /// The application's page for it, a URL that contains `{token}`. `None` means the built-in
        /// page.
        reset: Option<String> = link_template();
        /// The application's page that confirms a new address, a URL that contains `{token}`.
        /// `None` means the built-in page.
        confirm_email: Option<String> = link_template();
    }
}

/// The placeholder for the token.
const TOKEN: &str = "{token}";

impl ConfigReader {
    /// Reads the optional URL of an application's page.
    fn link_template(&mut self, key: &'static str) -> ReadResult<Option<String>> {
        self.option(key, "a URL that contains {token}", |raw| {
            let text = raw.to_text();
            is_template(text.trim()).then(|| text.trim().to_owned())
        })
    }
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
