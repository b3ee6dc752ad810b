//! Splits the source of a template into its text and the names in `{{…}}`, which letters and pages
//! share.

/// A piece of a template's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplatePiece<'a> {
    Text(&'a str),
    /// A name, with the number of lines before it.
    Name {
        name: &'a str,
        lines: usize,
    },
}

/// Where braces do not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenBraces {
    /// The number of lines before them.
    pub lines: usize,
    pub why: &'static str,
}

/// The pieces of a source, in order.
///
/// # Errors
/// [`OpenBraces`].
pub fn pieces(source: &str) -> Result<Vec<TemplatePiece<'_>>, OpenBraces> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, tail) = rest.split_at(at);
        let lines = || source[..source.len() - tail.len()].matches('\n').count();
        if let Some(inner) = tail.strip_prefix("{{") {
            found.push(TemplatePiece::Text(text));
            let name = inner.split_once("}}").filter(|(name, _)| !name.contains(['{', '}', '\n']));
            let (name, after) = name
                .ok_or_else(|| OpenBraces { lines: lines(), why: "`{{` is not closed by `}}`" })?;
            found.push(TemplatePiece::Name { name: name.trim(), lines: lines() });
            rest = after;
        } else if tail.starts_with("}}") {
            return Err(OpenBraces { lines: lines(), why: "`}}` without `{{` before it" });
        } else {
            found.push(TemplatePiece::Text(&rest[..=at]));
            rest = &tail[1..];
        }
    }
    found.push(TemplatePiece::Text(rest));
    Ok(found)
}
