//! The template syntax: `{{name}}` is replaced by a value; all other text is kept.
//!
//! A template is parsed once. If it uses an unknown name or leaves a brace open, it is rejected
//! with its file and line. For the list of files and values, see `templates`.

use crate::error::{Error, Kind, Result};

/// How values are inserted into a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    /// Unchanged.
    Text,
    /// With HTML special characters escaped.
    Html,
}

/// A parsed, valid template.
#[derive(Debug, Clone)]
pub struct Template {
    form: Escaping,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Name(String),
}

impl Template {
    /// Parses a template that may use `names`; `file` and `first_line` are for the error message.
    ///
    /// # Errors
    /// `Validation` if it uses an unknown name or its braces do not match.
    pub fn parse(
        file: &str,
        first_line: usize,
        source: &str,
        form: Escaping,
        names: &[&str],
    ) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            let (words, tail) = rest.split_at(at);
            let line = || first_line + source[..source.len() - tail.len()].matches('\n').count();
            if let Some(inner) = tail.strip_prefix("{{") {
                push_words(&mut parts, words);
                let name =
                    inner.split_once("}}").filter(|(name, _)| !name.contains(['{', '}', '\n']));
                let (name, after) =
                    name.ok_or_else(|| broken(file, line(), "`{{` is not closed by `}}`"))?;
                let name = name.trim();
                if !names.contains(&name) {
                    let known = names.join(", ");
                    return Err(broken(
                        file,
                        line(),
                        &format!("`{name}` is unknown here; known names: {known}"),
                    ));
                }
                parts.push(Part::Name(name.to_owned()));
                rest = after;
            } else if tail.starts_with("}}") {
                return Err(broken(file, line(), "`}}` without `{{` before it"));
            } else {
                push_words(&mut parts, &rest[..=at]);
                rest = &tail[1..];
            }
        }
        push_words(&mut parts, rest);
        Ok(Self { form, parts })
    }

    /// Whether the template uses this name.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Name(named) if named == name))
    }

    /// Returns this template with `inner` inserted wherever it uses `slot`.
    #[must_use]
    pub fn around(&self, slot: &str, inner: &Template) -> Self {
        let mut parts = Vec::with_capacity(self.parts.len() + inner.parts.len());
        for part in &self.parts {
            match part {
                Part::Name(name) if name == slot => parts.extend(inner.parts.iter().cloned()),
                other => parts.push(other.clone()),
            }
        }
        Self { form: self.form, parts }
    }

    /// Renders the template; a missing value becomes an empty string.
    #[must_use]
    pub fn render(&self, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Name(name) => {
                    let value = values
                        .iter()
                        .find(|(known, _)| known == name)
                        .map_or("", |(_, value)| value);
                    match self.form {
                        Escaping::Text => out.push_str(value),
                        Escaping::Html => escape(value, &mut out),
                    }
                }
            }
        }
        out
    }
}

fn push_words(parts: &mut Vec<Part>, words: &str) {
    match parts.last_mut() {
        Some(Part::Words(before)) => before.push_str(words),
        _ if words.is_empty() => {}
        _ => parts.push(Part::Words(words.to_owned())),
    }
}

fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// The error for an invalid template, with its file and line.
pub(super) fn broken(file: &str, line: usize, why: &str) -> Error {
    Error::with(Kind::Validation, format!("mail template {file}, line {line}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(source: &str) -> Result<Template> {
        Template::parse("a.html", 1, source, Escaping::Html, &["link", "service"])
    }

    #[test]
    fn values_are_put_in_and_escaped_in_html() {
        let template = parse("a { b } <p>{{service}} {{ link }}</p>").unwrap();
        let values = [("service", "<b>\"it's\" & co</b>"), ("link", "{{service}}")];
        assert_eq!(
            template.render(&values),
            "a { b } <p>&lt;b&gt;&quot;it&#39;s&quot; &amp; co&lt;/b&gt; {{service}}</p>"
        );
        let text =
            Template::parse("a.txt", 1, "{{service}}", Escaping::Text, &["service"]).unwrap();
        assert_eq!(text.render(&values), "<b>\"it's\" & co</b>");
    }

    #[test]
    fn a_broken_template_is_refused_with_its_file_and_line() {
        for (source, line, why) in [
            ("one\ntwo {{nobody}}", 2, "`nobody` is unknown here; known names: link, service"),
            ("{{service}}\n\n{{service", 3, "`{{` is not closed"),
            ("{{ser\nvice}}", 1, "`{{` is not closed"),
            ("\nservice}}", 2, "`}}` without `{{`"),
            ("{{}}", 1, "`` is unknown"),
            ("{{ {{link}} }}", 1, "`{{` is not closed"),
        ] {
            let message = parse(source).unwrap_err().message().to_owned();
            assert!(
                message.starts_with(&format!("mail template a.html, line {line}: {why}")),
                "{source}: {message}"
            );
        }
    }

    #[test]
    fn one_template_goes_around_another() {
        let layout = Template::parse(
            "l.html",
            1,
            "<{{content}}|{{service}}>",
            Escaping::Html,
            &["content", "service"],
        );
        let inner = parse("in {{link}}").unwrap();
        let whole = layout.unwrap().around("content", &inner);
        assert!(whole.names("link") && !whole.names("content"));
        assert_eq!(whole.render(&[("link", "&"), ("service", "S")]), "<in &amp;|S>");
    }
}
