//! The files of words: how `static/words/<language>.toml` is read, and what makes a file complete.
//!
//! The build script compiles this file too, so that a language is held to the same rules when it is
//! built in and when `authd words check` reads it. It must not use any other module.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

/// The text of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordEntry {
    /// The sections and the key, such as `pages.verify_email.title`.
    pub path: String,
    pub text: String,
    /// The line of the key, from 1.
    pub line: usize,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordFault {
    /// The file cannot be used.
    Invalid,
    /// A text that the reference has.
    Missing,
    /// A text that does not fit its place.
    TooLong,
}

/// What is wrong with a file of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordProblem {
    /// The line, from 1.
    pub line: usize,
    pub fault: WordFault,
    pub why: String,
}

impl WordProblem {
    fn invalid(line: usize, why: String) -> Self {
        Self { line, fault: WordFault::Invalid, why }
    }
}

impl fmt::Display for WordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Reads a file: all texts in the order of the file.
///
/// # Errors
/// Every value that is no text, and every text whose braces do not match.
pub fn parse(source: &str) -> Result<Vec<WordEntry>, Vec<WordProblem>> {
    let line_of = |at: usize| 1 + source[..at.min(source.len())].matches('\n').count();
    let table = DeTable::parse(source).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        vec![WordProblem::invalid(line, error.message().to_owned())]
    })?;
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    collect(table.get_ref(), "", &line_of, &mut entries, &mut problems);
    entries.sort_by_key(|entry: &WordEntry| entry.line);
    for entry in &entries {
        if let Err(why) = placeholders(&entry.text) {
            problems.push(WordProblem::invalid(entry.line, format!("{}: {why}", entry.path)));
        }
    }
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

fn collect(
    table: &DeTable<'_>,
    above: &str,
    line_of: &dyn Fn(usize) -> usize,
    entries: &mut Vec<WordEntry>,
    problems: &mut Vec<WordProblem>,
) {
    for (key, value) in table {
        let line = line_of(key.span().start);
        let dot = if above.is_empty() { "" } else { "." };
        let path = format!("{above}{dot}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => collect(inner, &path, line_of, entries, problems),
            DeValue::String(text) => {
                entries.push(WordEntry { path, text: text.to_string(), line });
            }
            _ => problems.push(WordProblem::invalid(line, format!("{path} is not a text"))),
        }
    }
}

/// The names in a text's placeholders (`{service}`), sorted, each once.
///
/// # Errors
/// A brace without its counterpart, or around something that is no name.
pub fn placeholders(text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let inner = rest[at..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = inner else { return Err("a brace is open".to_owned()) };
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("`{{{name}}}` is no placeholder"));
        }
        names.push(name);
        rest = after;
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Compares a language with the reference: keys that are missing (reported in the line of the key
/// before them), keys that the reference does not have, and texts with other placeholders.
#[must_use]
pub fn differences(reference: &[WordEntry], language: &[WordEntry]) -> Vec<WordProblem> {
    let known: BTreeMap<&str, &WordEntry> =
        reference.iter().map(|entry| (entry.path.as_str(), entry)).collect();
    let given: BTreeMap<&str, usize> =
        language.iter().map(|entry| (entry.path.as_str(), entry.line)).collect();
    let mut problems = Vec::new();
    for entry in language {
        let why = match known.get(entry.path.as_str()) {
            None => format!("{} is unknown", entry.path),
            Some(same) => match (placeholders(&same.text), placeholders(&entry.text)) {
                (Ok(expected), Ok(found)) if expected == found => continue,
                (Ok(expected), _) => {
                    format!("{} must use {}", entry.path, listed(&expected))
                }
                (Err(_), _) => continue,
            },
        };
        problems.push(WordProblem::invalid(entry.line, why));
    }
    let mut line = 1;
    for entry in reference {
        if let Some(found) = given.get(entry.path.as_str()) {
            line = *found;
        } else {
            let (fault, why) = (WordFault::Missing, format!("{} is missing", entry.path));
            problems.push(WordProblem { line, fault, why });
        }
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        return "no placeholder".to_owned();
    }
    let braced: Vec<_> = names.iter().map(|name| format!("{{{name}}}")).collect();
    braced.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_its_order_with_the_lines_of_the_keys() {
        let entries = parse("a = \"x\"\n[b.c]\n# why\nd = \"\"\"\none {n}\"\"\"\n").unwrap();
        let read: Vec<_> =
            entries.iter().map(|e| (e.path.as_str(), e.text.as_str(), e.line)).collect();
        assert_eq!(read, [("a", "x", 1), ("b.c.d", "one {n}", 4)]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        for (source, line, why) in [
            ("a = \"x\"\nb = 1\n", 2, "b is not a text"),
            ("a = \"x\"\n\nb = \"{n\"\n", 3, "b: a brace is open"),
            ("a = \"x}\"\n", 1, "a: a brace is open"),
            ("a = \"{N}\"\n", 1, "a: `{N}` is no placeholder"),
            ("a = \"{}\"\n", 1, "a: `{}` is no placeholder"),
            ("a = \"x\"\na = \"y\"\n", 2, "duplicate key"),
            ("a = x\n", 1, ""),
        ] {
            let problems = parse(source).unwrap_err();
            assert_eq!(problems[0].line, line, "{source}: {problems:?}");
            assert!(problems[0].why.contains(why), "{source}: {problems:?}");
        }
    }

    #[test]
    fn a_language_must_have_the_keys_and_placeholders_of_the_reference() {
        let reference = parse("a = \"{x} {y}\"\nb = \"b\"\nc = \"c\"\n").unwrap();
        let language = parse("b = \"{x}\"\na = \"{y} {x} {x}\"\nd = \"d\"\n").unwrap();
        let found: Vec<_> =
            differences(&reference, &language).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["line 1: b must use no placeholder", "line 1: c is missing", "line 3: d is unknown"]
        );
        assert_eq!(differences(&reference, &reference), []);
    }
}
