//! `[pages]`: the sign-in and account pages, and how they look.

use std::path::PathBuf;

use crate::config::layer::Raw;
use crate::config::reader::{ConfigReader, ReadResult};
use crate::model::{Color, HttpUrl};

/// The longest URL of the section.
const MAX_URL: usize = 2048;

section! {
    /// `[pages]`: the sign-in and account pages, and how they look.
    pub struct PagesConfig = "pages" {
        /// Serve them.
        enabled: bool = truth();
        /// Where a page of an app may send its users back to, as exact URLs.
        return_to: Vec<String> = list(
            "exact URLs like https://app.example.com/welcome",
            |item| is_return_target(item).then(|| item.to_owned()),
        );
        /// The name on the pages. `None` means the name of the service.
        name: Option<String> = optional_text(64);
        /// An image that is shown beside the name.
        logo: Option<PathBuf> = optional_file();
        /// The colour of buttons and links.
        accent: Color = value("a colour like #1f5eff", |raw| Color::parse(raw.to_text().trim()));
        /// The terms of use.
        terms: Option<String> = page_url();
        /// The privacy notice.
        privacy: Option<String> = page_url();
        /// A style sheet that is added to the built-in one.
        css: Option<PathBuf> = optional_file();
        /// A folder with HTML of the operator.
        templates: Option<PathBuf> = optional_folder();
    }
}

impl ConfigReader {
    /// Reads the optional URL of a page of another site.
    fn page_url(&mut self, key: &'static str) -> ReadResult<Option<String>> {
        self.option(key, "an https:// URL", |raw: &Raw| {
            let text = raw.to_text();
            let text = text.trim();
            (is_plain(text) && HttpUrl::parse(text).is_some()).then(|| text.to_owned())
        })
    }
}

/// True for an `http` or `https` URL without user name and fragment, and for the URL of a mobile app
/// with a scheme of its own.
fn is_return_target(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    if !is_plain(text) || text.contains('#') || rest.is_empty() {
        return false;
    }
    match scheme {
        "http" | "https" => HttpUrl::parse(text).is_some(),
        "javascript" | "data" | "blob" | "file" | "filesystem" | "vbscript" | "about" | "ws"
        | "wss" | "ftp" => false,
        _ => {
            scheme.starts_with(|c: char| c.is_ascii_lowercase())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b))
        }
    }
}

/// Only printable ASCII that browsers do not rewrite.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX_URL
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\^`{|};,".contains(&b))
}

impl PagesConfig {
    /// The sources that a form may lead to after a redirect, for the content security policy: an
    /// origin, or the scheme of a mobile app.
    pub fn return_sources(&self) -> impl Iterator<Item = String> + '_ {
        self.return_to.iter().filter_map(|url| {
            let (scheme, rest) = url.split_once("://")?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            Some(match scheme {
                "http" | "https" => format!("{scheme}://{}", &rest[..end]),
                _ => format!("{scheme}:"),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_target_is_a_plain_url_of_a_site_or_an_app() {
        for good in [
            "https://app.example.com",
            "https://app.example.com/welcome?x=1",
            "http://localhost:5173/",
            "com.example.app://signed-in",
        ] {
            assert!(is_return_target(good), "{good}");
        }
        for bad in [
            "",
            "/account",
            "//app.example.com",
            "https:app.example.com",
            "https://",
            "https://u:p@app.example.com/",
            "https://app.example.com/#here",
            "https://app.example.com\\@evil.example",
            "https://app.example.com/ x",
            "https://app.example.com/; script-src *",
            "https://app.example.com/ü",
            "javascript://%0aalert(1)",
            "data://text/html",
            "MyApp://x",
        ] {
            assert!(!is_return_target(bad), "{bad}");
        }
    }
}
