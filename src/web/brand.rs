//! How the pages look: name, logo, colour and links of the operator, and the files that pages load.
//! Files have a version in their address, so that browsers keep them without asking again.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use poem::http::HeaderValue;
use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use poem::{Endpoint, Request, Response, endpoint};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::http::docs::static_file::StaticFile;
use crate::http::server::reject::Reject;
use crate::model::{Color, secret};
use crate::web::operator_templates::OperatorTemplates;

const STYLE: &str = include_str!("../../static/pages/page.css");
const SCRIPT: &str = include_str!("../../static/pages/page.js");
const CONSOLE_STYLE: &str = include_str!("../../static/pages/console/console.css");
const CONSOLE_SCRIPT: &str = include_str!("../../static/pages/console/console.js");

/// The colour of cards on dark pages (`--card`).
const DARK_CARD: Color = Color::rgb(0x19, 0x21, 0x2b);

/// The largest logo, style sheet and fragment, in bytes.
const MAX_FILE: u64 = 512 * 1024;

/// A file that pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum PageFile {
    Style,
    Script,
    Logo,
    ConsoleStyle,
    ConsoleScript,
}

impl PageFile {
    pub(in crate::web) const ALL: [Self; 5] =
        [Self::Style, Self::Script, Self::Logo, Self::ConsoleStyle, Self::ConsoleScript];

    /// Its path, below each mount.
    pub(in crate::web) fn path(self) -> &'static str {
        match self {
            Self::Style => "/pages/page.css",
            Self::Script => "/pages/page.js",
            Self::Logo => "/pages/logo",
            Self::ConsoleStyle => "/pages/console.css",
            Self::ConsoleScript => "/pages/console.js",
        }
    }
}

/// The looks of the pages.
pub(in crate::web) struct Brand {
    pub(in crate::web) name: String,
    pub(in crate::web) terms: Option<String>,
    pub(in crate::web) privacy: Option<String>,
    /// HTML of the operator.
    pub(in crate::web) header: String,
    pub(in crate::web) footer: String,
    pub(in crate::web) own: OperatorTemplates,
    pub(in crate::web) has_logo: bool,
    pub(in crate::web) style_version: String,
    pub(in crate::web) script_version: String,
    pub(in crate::web) console_style_version: String,
    pub(in crate::web) console_script_version: String,
    style: BrandFile,
    script: BrandFile,
    console_style: BrandFile,
    console_script: BrandFile,
    logo: Option<BrandFile>,
}

/// A file that is compressed on its first request.
type BrandFile = LazyLock<StaticFile, Box<dyn FnOnce() -> StaticFile + Send>>;

fn lazy(content_type: &'static str, content: Vec<u8>) -> BrandFile {
    LazyLock::new(Box::new(move || StaticFile::new(content_type, content.into())))
}

impl Brand {
    /// Reads the operator's files.
    ///
    /// # Errors
    /// `Internal` that names the file which cannot be used.
    pub(in crate::web) fn load(config: &Config) -> Result<Self> {
        let pages = &config.pages;
        let own = pages.css.as_deref().map(read_text).transpose()?.unwrap_or_default();
        let style = format!("{}{STYLE}{own}", colors(pages.accent));
        let logo = match pages.logo.as_deref() {
            Some(path) => Some(lazy(image_type(path)?, read(path)?)),
            None => None,
        };
        let ([header, footer], own) = match pages.templates.as_deref() {
            Some(folder) => (fragments(folder)?, OperatorTemplates::load(folder, read_text)?),
            None => ([String::new(), String::new()], OperatorTemplates::default()),
        };
        Ok(Self {
            name: pages.name.clone().unwrap_or_else(|| config.service.name.clone()),
            terms: pages.terms.clone(),
            privacy: pages.privacy.clone(),
            header,
            footer,
            own,
            has_logo: logo.is_some(),
            style_version: version(style.as_bytes()),
            script_version: version(SCRIPT.as_bytes()),
            console_style_version: version(CONSOLE_STYLE.as_bytes()),
            console_script_version: version(CONSOLE_SCRIPT.as_bytes()),
            style: lazy("text/css; charset=utf-8", style.into_bytes()),
            script: lazy("text/javascript; charset=utf-8", SCRIPT.into()),
            console_style: lazy("text/css; charset=utf-8", CONSOLE_STYLE.into()),
            console_script: lazy("text/javascript; charset=utf-8", CONSOLE_SCRIPT.into()),
            logo,
        })
    }

    /// Looks with this name.
    #[cfg(test)]
    pub(in crate::web) fn named(name: &str) -> Self {
        let inputs = crate::config::Inputs::default();
        let config = crate::config::load(&inputs).unwrap_or_else(|found| panic!("{found}")).config;
        Self { name: name.to_owned(), ..Self::load(&config).unwrap() }
    }

    /// The looks without any of the operator's files, for when they became unreadable after a check.
    pub(in crate::web) fn plain(config: &Config) -> Result<Self> {
        let mut config = config.clone();
        (config.pages.css, config.pages.logo, config.pages.templates) = (None, None, None);
        Self::load(&config)
    }

    pub(in crate::web) fn has_footer(&self) -> bool {
        self.terms.is_some() || self.privacy.is_some() || !self.footer.is_empty()
    }

    fn file(&self, file: PageFile) -> Option<&BrandFile> {
        match file {
            PageFile::Style => Some(&self.style),
            PageFile::Script => Some(&self.script),
            PageFile::Logo => self.logo.as_ref(),
            PageFile::ConsoleStyle => Some(&self.console_style),
            PageFile::ConsoleScript => Some(&self.console_script),
        }
    }

    /// The version in the address of a file; a logo has none.
    fn version_of(&self, file: PageFile) -> Option<&str> {
        match file {
            PageFile::Style => Some(&self.style_version),
            PageFile::Script => Some(&self.script_version),
            PageFile::Logo => None,
            PageFile::ConsoleStyle => Some(&self.console_style_version),
            PageFile::ConsoleScript => Some(&self.console_script_version),
        }
    }
}

/// Serves a file.
pub(in crate::web) fn file(brand: std::sync::Arc<Brand>, file: PageFile) -> impl Endpoint {
    endpoint::make_sync(move |request: Request| {
        let found = brand.file(file).ok_or_else(|| Reject(crate::error::Kind::NotFound.into()))?;
        let mut response = found.answer(&request).map_err(Reject)?;
        let headers = response.headers_mut();
        let version = brand.version_of(file);
        if version.is_some() && request.original_uri().query() == version {
            let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
            headers.insert(CACHE_CONTROL, forever);
        }
        // A logo may be an SVG document, which could contain a script.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        Ok::<Response, poem::Error>(response)
    })
}

/// The custom properties of the accent colour, in daylight and in the dark.
fn colors(accent: Color) -> String {
    let dark = accent.readable_on(DARK_CARD);
    let mut css = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        css,
        ":root{{--accent:{accent};--on-accent:{}}}@media(prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{}}}}}",
        accent.text(),
        dark.text(),
    );
    css
}

fn version(content: &[u8]) -> String {
    secret::encode(&secret::digest(content))[..10].to_owned()
}

fn image_type(path: &Path) -> Result<&'static str> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "png" => Ok("image/png"),
        "svg" => Ok("image/svg+xml"),
        "jpg" | "jpeg" => Ok("image/jpeg"),
        "webp" => Ok("image/webp"),
        _ => Err(refused(path, "expected a .png, .svg, .jpg or .webp file")),
    }
}

/// The header and the footer of a folder. Other files are refused, because they would have no
/// effect.
fn fragments(folder: &Path) -> Result<[String; 2]> {
    let names = ["header.html", "footer.html"];
    let known: Vec<_> = names.into_iter().chain(OperatorTemplates::files()).collect();
    let failed = |error: std::io::Error| refused(folder, &error.to_string());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with('.') && !known.contains(&name) {
            return Err(refused(&path, &format!("expected one of {}", known.join(", "))));
        }
    }
    let fragment = |name: &str| {
        let path = folder.join(name);
        if path.exists() { read_text(&path) } else { Ok(String::new()) }
    };
    Ok([fragment(names[0])?, fragment(names[1])?])
}

fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| refused(path, "it is not UTF-8 text"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| refused(path, &error.to_string());
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > MAX_FILE {
        return Err(refused(path, "it is larger than 512 KiB"));
    }
    std::fs::read(path).map_err(failed)
}

fn refused(path: &Path, why: &str) -> Error {
    Error::refused(format!("[pages] {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accent_can_be_read_in_the_dark_too() {
        for accent in ["#1f5eff", "#000000", "#7a0019", "#ffff00"] {
            let css = colors(Color::parse(accent).unwrap());
            let dark = css.split("dark){:root{--accent:").nth(1).unwrap();
            let dark = Color::parse(&dark[..7]).unwrap();
            assert!(dark.contrast(DARK_CARD) >= crate::model::color::READABLE, "{css}");
        }
    }

    #[test]
    fn the_style_sheet_needs_no_other_host() {
        assert!(!STYLE.contains("http") && !STYLE.contains("@import") && !STYLE.contains("url("));
        assert!(STYLE.contains(&format!("--card: {DARK_CARD}")));
    }

    #[test]
    fn a_folder_has_the_known_files_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("footer.html"), "<p>Example GmbH</p>").unwrap();
        let read = fragments(folder.path()).unwrap();
        assert_eq!(read, [String::new(), "<p>Example GmbH</p>".to_owned()]);
        std::fs::write(folder.path().join("sign_in.html"), "").unwrap();
        assert!(fragments(folder.path()).unwrap_err().message().contains("sign_in.html"));
    }
}
