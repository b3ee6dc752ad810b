//! The text of a document: paragraphs and `code` in backticks, the small subset of Markdown that
//! descriptions use. The templates escape everything else.

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::Value;

/// Text without paragraphs.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "docs/reference/inline.html")]
pub struct Inline<'a> {
    text: &'a str,
}

impl HtmlSafe for Inline<'_> {}

impl Inline<'_> {
    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Text in paragraphs.
#[derive(Debug, Clone, Template)]
#[template(path = "docs/reference/prose.html")]
pub struct Prose<'a> {
    paragraphs: Vec<Inline<'a>>,
}

impl HtmlSafe for Prose<'_> {}

/// A path with highlighted parameters.
#[derive(Debug, Clone, Template)]
#[template(path = "docs/reference/path.html")]
pub struct PathTemplate<'a> {
    /// Text, each with the parameter that follows it.
    pieces: Vec<(&'a str, Option<&'a str>)>,
}

impl HtmlSafe for PathTemplate<'_> {}

/// The text of a string value; empty for any other value.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// Reads text without paragraphs.
pub fn inline(text: &str) -> Inline<'_> {
    Inline { text }
}

/// Reads a description.
pub fn prose(text: &str) -> Prose<'_> {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    Prose { paragraphs: paragraphs.map(inline).collect() }
}

/// Reads a path.
pub fn path(text: &str) -> PathTemplate<'_> {
    let pieces = text.split_inclusive('}').map(|piece| {
        match piece.strip_suffix('}').and_then(|piece| piece.split_once('{')) {
            Some((before, parameter)) => (before, Some(parameter)),
            None => (piece, None),
        }
    });
    PathTemplate { pieces: pieces.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_keep_their_paragraphs_and_code() {
        assert_eq!(
            prose("Takes `a<b`.\n\nAnd & more.").to_string().trim(),
            "<p>Takes <code>a&#60;b</code>.</p><p>And &#38; more.</p>"
        );
        assert_eq!(prose(" \n").to_string().trim(), "");
    }

    #[test]
    fn the_parameters_of_a_path_stand_out() {
        for (written, shown) in [
            ("/users", "/users"),
            ("/a/{id}/<b>", "/a/<b>&#123;id&#125;</b>/&#60;b&#62;"),
            ("/{a}/{<}", "/<b>&#123;a&#125;</b>/<b>&#123;&#60;&#125;</b>"),
            ("/a}b{", "/a}b{"),
        ] {
            assert_eq!(path(written).to_string(), shown);
        }
    }
}
