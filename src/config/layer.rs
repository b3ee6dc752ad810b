//! A layer of settings maps keys to values and their origins. Layers come from TOML, flags or the
//! environment and override each other.
//!
//! This module knows no keys by name. See `reader` for what a value must look like.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A command-line flag, by its name without dashes.
    Flag(String),
    /// An environment variable of the process.
    Env(String),
    /// A line of the `--env-file`.
    EnvFile {
        /// The path as given on the command line.
        file: String,
        /// The line number, from 1.
        line: usize,
        /// The variable's name.
        name: String,
    },
    /// A line of the configuration file.
    File {
        /// The path as given on the command line.
        file: String,
        /// The line number, from 1.
        line: usize,
    },
    /// Recorded in the database at the first start.
    Database,
    /// The profile of this name.
    Profile(String),
    /// A built-in default.
    BuiltIn,
}

impl Origin {
    /// The precedence: the origin with the higher rank wins.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Origin::BuiltIn => 0,
            Origin::Profile(_) => 1,
            Origin::Database => 2,
            Origin::File { .. } => 3,
            Origin::Env(_) | Origin::EnvFile { .. } => 4,
            Origin::Flag(_) => 5,
        }
    }

    /// Whether the operator set the value, and no profile or default.
    #[must_use]
    pub fn is_of_operator(&self) -> bool {
        self.rank() >= Origin::Database.rank()
    }

    /// The variable's name, if the value came from one.
    pub(super) fn variable(&self) -> Option<&str> {
        match self {
            Origin::Env(name) | Origin::EnvFile { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Keys contain a dot, names of flags do not.
            Origin::Flag(name) if name.contains('.') => write!(f, "flag --set {name}"),
            Origin::Flag(name) => write!(f, "flag --{name}"),
            Origin::Env(name) => write!(f, "env {name}"),
            Origin::EnvFile { file, line, .. } | Origin::File { file, line } => {
                write!(f, "{file} line {line}")
            }
            Origin::Database => f.write_str("database"),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::BuiltIn => f.write_str("built-in"),
        }
    }
}

/// A value as it was given. It may be a secret, so it does not implement `Debug`.
#[derive(Clone, PartialEq)]
pub(super) enum Raw {
    /// Text, from any source.
    Text(String),
    /// An integer of a TOML file.
    Integer(i64),
    /// A boolean of a TOML file.
    Bool(bool),
    /// A list of strings of a TOML file.
    List(Vec<String>),
    /// A type that no key accepts, described in words.
    Other(&'static str),
}

impl Raw {
    /// The value as one line of text, without quotes.
    pub(super) fn to_text(&self) -> String {
        match self {
            Raw::Text(text) => text.clone(),
            Raw::Integer(number) => number.to_string(),
            Raw::Bool(truth) => truth.to_string(),
            Raw::List(list) if list.is_empty() => "[]".to_owned(),
            Raw::List(list) => list.join(","),
            Raw::Other(what) => (*what).to_owned(),
        }
    }

    /// The value as error messages quote it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Raw::Text(text) => format!("{text:?}"),
            Raw::List(list) => format!("{list:?}"),
            other => other.to_text(),
        }
    }

    /// The text between quotes that a shell has kept.
    pub(super) fn unquoted(&self) -> Option<Raw> {
        let Raw::Text(text) = self else { return None };
        let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
        ['"', '\''].into_iter().find_map(within).map(|text| Raw::Text(text.to_owned()))
    }

    /// True for `"none"` and `"off"`, which remove the value of a lower layer.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Raw::Text(text) if text == "none" || text == "off")
    }
}

/// A value and its origin.
#[derive(Clone)]
pub(super) struct SourcedValue {
    pub raw: Raw,
    pub origin: Origin,
}

/// Values by key.
pub(super) type Layer = BTreeMap<String, SourcedValue>;

/// Merges one layer into another. The higher rank wins; at the same rank, the upper layer wins.
pub(super) fn lay_over(below: &mut Layer, above: Layer) {
    for (key, given) in above {
        match below.get(&key) {
            Some(there) if there.origin.rank() > given.origin.rank() => {}
            _ => {
                below.insert(key, given);
            }
        }
    }
}

/// Parses TOML text into a layer. `origin` converts a line number to an origin.
pub(super) fn from_toml(
    text: &str,
    origin: impl Fn(usize) -> Origin,
) -> Result<Layer, Box<Problem>> {
    let line_ends: Vec<usize> = text.match_indices('\n').map(|(byte, _)| byte).collect();
    let line_at = |byte: usize| line_ends.partition_point(|&end| end < byte) + 1;
    let table = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_at(span.start));
        // The parser's message may quote the text, which may contain a secret. Its first line only
        // describes the error.
        let what = e.message().lines().next().unwrap_or("not TOML").to_owned();
        Box::new(Problem::unreadable(origin(line), what))
    })?;
    let mut layer = Layer::new();
    flatten("", table.get_ref(), &|byte| origin(line_at(byte)), &mut layer);
    Ok(layer)
}

fn flatten(prefix: &str, table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin, into: &mut Layer) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        if let DeValue::Table(inner) = value.get_ref() {
            flatten(&key, inner, origin, into);
        } else {
            into.insert(
                key,
                SourcedValue { raw: raw(value.get_ref()), origin: origin(name.span().start) },
            );
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other("an integer of more than 64 bits"),
        },
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                DeValue::Integer(number) => Some(number.as_str().to_owned()),
                _ => None,
            });
            texts
                .collect::<Option<Vec<_>>>()
                .map_or(Raw::Other("a list whose items are not all strings"), Raw::List)
        }
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Layer {
        from_toml(text, |line| Origin::File { file: "a.toml".into(), line }).unwrap()
    }

    #[test]
    fn tables_of_every_form_become_dotted_keys_with_their_line() {
        let layer =
            read("a = 1\n[b]\nc = \"x\"\nd = { e = true,\n  f = [\"g\", 2] }\n[h.i]\nj = []\n");
        let shown: Vec<String> =
            layer.iter().map(|(k, g)| format!("{k}={} {}", g.raw.to_text(), g.origin)).collect();
        assert_eq!(
            shown,
            [
                "a=1 a.toml line 1",
                "b.c=x a.toml line 3",
                "b.d.e=true a.toml line 4",
                "b.d.f=g,2 a.toml line 5",
                "h.i.j=[] a.toml line 7"
            ]
        );
    }

    #[test]
    fn a_broken_file_is_refused_with_its_line_and_none_of_its_text() {
        let problem = from_toml("a = 1\nsecret = hush-hush\n", |line| Origin::File {
            file: "a.toml".into(),
            line,
        });
        let shown = problem.err().unwrap().to_string();
        assert!(shown.contains("a.toml line 2"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn the_higher_origin_wins_whichever_is_laid_first() {
        let flag = |text: &str| {
            Layer::from([(
                "k".into(),
                SourcedValue { raw: Raw::Text(text.into()), origin: Origin::Flag("k".into()) },
            )])
        };
        let env = |text: &str| {
            Layer::from([(
                "k".into(),
                SourcedValue { raw: Raw::Text(text.into()), origin: Origin::Env("AUTHD_K".into()) },
            )])
        };
        let mut one = flag("flag");
        lay_over(&mut one, env("env"));
        let mut two = env("env");
        lay_over(&mut two, flag("flag"));
        assert_eq!(
            (one["k"].raw.to_text(), two["k"].raw.to_text()),
            ("flag".to_owned(), "flag".to_owned())
        );
    }
}
