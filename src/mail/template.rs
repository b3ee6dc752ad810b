//! The template syntax: `{{name}}` is replaced by a value or by words of the letter's language; all
//! other text is kept.
//!
//! A template is parsed once, for all languages. If it uses an unknown name or leaves a brace open,
//! it is rejected with its file and line. For the list of files and values, see `templates`.

use crate::error::{Error, Kind, Result};
use crate::mail::wrap::push_wrapped;
use crate::words::pieces::{TemplatePiece, pieces};
use crate::words::{Words, english, source};

/// The name of what stands between two sentences.
const SPACE: &str = "space";

/// Values that are sentences, and are wrapped as words are.
const SENTENCES: [&str; 3] = ["alert", "change", "remaining"];

/// What a template may name.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// Values, which the names of words can also use as placeholders.
    pub values: &'a [&'a str],
    /// The sections of the catalogue whose keys are names; the first that has a name counts.
    pub sections: &'a [String],
}

impl Vocabulary<'_> {
    /// What a name stands for; `None` if it is unknown, or its words need another value.
    fn resolve(&self, name: &str) -> Option<Part> {
        if self.values.contains(&name) {
            return Some(Part::Value(name.to_owned()));
        }
        if name == SPACE {
            return Some(Part::Words("lists.sentence_space".to_owned()));
        }
        let paths = self.sections.iter().map(|section| format!("{section}.{name}"));
        let words = english();
        let mut found = paths.filter_map(|path| words.get(&path).map(|text| (path, text)));
        let (path, text) = found.next()?;
        let needs = source::placeholders(text).ok()?;
        needs.iter().all(|name| self.values.contains(name)).then_some(Part::Words(path))
    }

    fn listed(&self) -> String {
        let is_named = |path: &&str| {
            let section = path.rsplit_once('.').map_or("", |(section, _)| section);
            self.sections.iter().any(|named| named == section)
        };
        let words = crate::words::paths().filter(is_named);
        let words = words.filter_map(|path| path.rsplit('.').next());
        self.values.iter().copied().chain(words).collect::<Vec<_>>().join(", ")
    }
}

/// How values are inserted into a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    /// Unchanged; lines with words in them are wrapped.
    Text,
    /// Unchanged, as one line.
    Line,
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
    Literal(String),
    Value(String),
    /// The path of a text.
    Words(String),
}

impl Template {
    /// Parses a template that may use these names; `file` and `first_line` are for the error
    /// message.
    ///
    /// # Errors
    /// `Validation` if it uses an unknown name or its braces do not match.
    pub fn parse(
        file: &str,
        first_line: usize,
        source: &str,
        form: Escaping,
        names: &Vocabulary<'_>,
    ) -> Result<Self> {
        let pieces =
            pieces(source).map_err(|open| broken(file, first_line + open.lines, open.why))?;
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                TemplatePiece::Text(text) => push_words(&mut parts, text),
                TemplatePiece::Name { name, lines } => {
                    let part = names.resolve(name).ok_or_else(|| {
                        let known = names.listed();
                        let why = format!("`{name}` is unknown here; known names: {known}");
                        broken(file, first_line + lines, &why)
                    })?;
                    parts.push(part);
                }
            }
        }
        Ok(Self { form, parts })
    }

    /// Whether the template uses this value.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Value(named) if named == name))
    }

    /// Returns this template with `inner` inserted wherever it uses `slot`.
    #[must_use]
    pub fn around(&self, slot: &str, inner: &Template) -> Self {
        let mut parts = Vec::with_capacity(self.parts.len() + inner.parts.len());
        for part in &self.parts {
            match part {
                Part::Value(name) if name == slot => parts.extend(inner.parts.iter().cloned()),
                other => parts.push(other.clone()),
            }
        }
        Self { form: self.form, parts }
    }

    /// Renders the template in the language of these words; a missing value becomes an empty string.
    #[must_use]
    pub fn render(&self, words: &Words, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let (mut line_start, mut has_words) = (0, false);
        for part in &self.parts {
            match part {
                Part::Literal(text) => match text.find('\n').filter(|_| has_words) {
                    Some(end) => {
                        out.push_str(&text[..end]);
                        self.end_line(&mut out, line_start);
                        out.push_str(&text[end..]);
                        has_words = false;
                    }
                    None => out.push_str(text),
                },
                Part::Value(name) => {
                    if !has_words && SENTENCES.contains(&name.as_str()) {
                        line_start = start_of_line(&out);
                        has_words = true;
                    }
                    self.push(value_of(values, name), &mut out);
                }
                Part::Words(path) => {
                    if !has_words {
                        line_start = start_of_line(&out);
                        has_words = true;
                    }
                    let text = words.get(path).map_or_else(String::new, |text| {
                        let named = values.iter().map(|(name, value)| (*name, value as _));
                        text.fill(&named.collect::<Vec<_>>())
                    });
                    self.push(&text, &mut out);
                }
            }
        }
        if has_words {
            self.end_line(&mut out, line_start);
        }
        out
    }

    fn push(&self, text: &str, out: &mut String) {
        match self.form {
            Escaping::Text | Escaping::Line => out.push_str(text),
            Escaping::Html => escape(text, out),
        }
    }

    fn end_line(&self, out: &mut String, line_start: usize) {
        if self.form == Escaping::Text {
            let line = out.split_off(line_start);
            push_wrapped(&line, out);
        }
    }
}

fn start_of_line(text: &str) -> usize {
    text.rfind('\n').map_or(0, |at| at + 1)
}

fn value_of<'a>(values: &[(&str, &'a str)], name: &str) -> &'a str {
    values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

fn push_words(parts: &mut Vec<Part>, words: &str) {
    match parts.last_mut() {
        Some(Part::Literal(before)) => before.push_str(words),
        _ if words.is_empty() => {}
        _ => parts.push(Part::Literal(words.to_owned())),
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

    const NAMES: Vocabulary<'static> = Vocabulary { values: &["link", "service"], sections: &[] };

    fn parse(source: &str) -> Result<Template> {
        Template::parse("a.html", 1, source, Escaping::Html, &NAMES)
    }

    #[test]
    fn values_are_put_in_and_escaped_in_html() {
        let template = parse("a { b } <p>{{service}} {{ link }}</p>").unwrap();
        let values = [("service", "<b>\"it's\" & co</b>"), ("link", "{{service}}")];
        assert_eq!(
            template.render(&english(), &values),
            "a { b } <p>&lt;b&gt;&quot;it&#39;s&quot; &amp; co&lt;/b&gt; {{service}}</p>"
        );
        let text = Template::parse("a.txt", 1, "{{service}}", Escaping::Text, &NAMES).unwrap();
        assert_eq!(text.render(&english(), &values), "<b>\"it's\" & co</b>");
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
            &Vocabulary { values: &["content", "service"], sections: &[] },
        );
        let inner = parse("in {{link}}").unwrap();
        let whole = layout.unwrap().around("content", &inner);
        assert!(whole.names("link") && !whole.names("content"));
        assert_eq!(whole.render(&english(), &[("link", "&"), ("service", "S")]), "<in &amp;|S>");
    }

    #[test]
    fn words_are_filled_and_escaped_and_only_their_lines_are_wrapped() {
        let sections = ["letters.factor_guesses".to_owned(), "letters.common".to_owned()];
        let names = Vocabulary { values: &["service", "count"], sections: &sections };
        let values = [("service", "<A&B>"), ("count", "10")];
        let html = Template::parse("a.html", 1, "<p>{{text}}</p>", Escaping::Html, &names);
        let html = html.unwrap().render(&english(), &values);
        assert!(
            html.starts_with("<p>A sign-in to your account at &lt;A&amp;B&gt; got as"),
            "{html}"
        );
        let own = "own ".repeat(30);
        let text = format!("{own}\n{{{{text}}}}{{{{space}}}}{{{{not_you}}}}\n{own}");
        let text = Template::parse("a.txt", 1, &text, Escaping::Text, &names).unwrap();
        let lines = text.render(&english(), &values);
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!((lines[0], lines[lines.len() - 1]), (own.as_str(), own.as_str()));
        let words = &lines[1..lines.len() - 1];
        assert!(words.len() > 1 && words.iter().all(|line| line.len() <= 78), "{words:?}");
        assert!(words.join(" ").contains("10 wrong codes"), "{words:?}");
        let needs_until = Template::parse("a.txt", 1, "{{link_until}}", Escaping::Text, &names);
        assert!(needs_until.is_err(), "its placeholder is no value of the letter");
    }
}
