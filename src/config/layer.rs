//! One layer of settings: `key → value and where it came from`, read from TOML, flags or the environment, and laid
//! over each other. Knows no key by name; what a value must look like is the business of the reader.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, by its name without dashes.
    Flag(String),
    /// A variable of the process.
    Env(String),
    /// A line of the `--env-file`.
    EnvFile {
        /// The file as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The variable.
        name: String,
    },
    /// A line of the configuration file.
    File {
        /// The file as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// Recorded in the database at its first start.
    Database,
    /// The profile of this name.
    Profile(String),
    /// The program itself.
    BuiltIn,
}

impl Origin {
    /// What lies over what: the higher one wins.
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

    /// The variable's name, when it is one.
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
            // A key has a dot in it, and no flag's own name has.
            Origin::Flag(name) if name.contains('.') => write!(f, "flag --set {name}"),
            Origin::Flag(name) => write!(f, "flag --{name}"),
            Origin::Env(name) => write!(f, "env {name}"),
            Origin::EnvFile { file, line, .. } | Origin::File { file, line } => write!(f, "{file} line {line}"),
            Origin::Database => f.write_str("database"),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::BuiltIn => f.write_str("built-in"),
        }
    }
}

/// A value as it was given. It may be a secret, so it has no `Debug`.
#[derive(Clone, PartialEq)]
pub(super) enum Raw {
    /// Text, from anywhere.
    Text(String),
    /// A whole number of a TOML file.
    Integer(i64),
    /// A truth value of a TOML file.
    Bool(bool),
    /// A list of texts of a TOML file.
    List(Vec<String>),
    /// Something that no key takes, by its name.
    Other(&'static str),
}

impl Raw {
    /// The value as a person would write it in one line, without quotes.
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

    /// The value as an error quotes it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Raw::Text(text) => format!("{text:?}"),
            Raw::List(list) => format!("{list:?}"),
            other => other.to_text(),
        }
    }

    /// True for `"none"` and `"off"`, which take away what a lower layer gives.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Raw::Text(text) if text == "none" || text == "off")
    }
}

/// A value and where it came from.
#[derive(Clone)]
pub(super) struct Given {
    /// The value.
    pub raw: Raw,
    /// Where it came from.
    pub origin: Origin,
}

/// Settings by key.
pub(super) type Layer = BTreeMap<String, Given>;

/// Lays one layer over another.
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

/// Reads a TOML text into a layer; `origin` makes a place of a line.
pub(super) fn from_toml(text: &str, origin: impl Fn(usize) -> Origin) -> Result<Layer, Box<Problem>> {
    let line_at = |byte: usize| text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_at(span.start));
        // The parser's message may quote the text, which may hold a secret: its first line only says what is wrong.
        let what = e.message().lines().next().unwrap_or("not TOML").to_owned();
        Box::new(Problem::unreadable(origin(line), what))
    })?;
    let mut layer = Layer::new();
    flatten("", table.get_ref(), &|byte| origin(line_at(byte)), &mut layer);
    Ok(layer)
}

fn flatten(prefix: &str, table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin, into: &mut Layer) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        if let DeValue::Table(inner) = value.get_ref() {
            flatten(&key, inner, origin, into);
        } else {
            into.insert(key, Given { raw: raw(value.get_ref()), origin: origin(name.span().start) });
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other("a number of more than 64 bits"),
        },
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                DeValue::Integer(number) => Some(number.as_str().to_owned()),
                _ => None,
            });
            texts.collect::<Option<Vec<_>>>().map_or(Raw::Other("a list of something else than texts"), Raw::List)
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
        let layer = read("a = 1\n[b]\nc = \"x\"\nd = { e = true,\n  f = [\"g\", 2] }\n[h.i]\nj = []\n");
        let shown: Vec<String> = layer.iter().map(|(k, g)| format!("{k}={} {}", g.raw.to_text(), g.origin)).collect();
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
        let problem = from_toml("a = 1\nsecret = hush-hush\n", |line| Origin::File { file: "a.toml".into(), line });
        let shown = problem.err().unwrap().to_string();
        assert!(shown.contains("a.toml line 2"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn the_higher_origin_wins_whichever_is_laid_first() {
        let flag = |text: &str| {
            Layer::from([("k".into(), Given { raw: Raw::Text(text.into()), origin: Origin::Flag("k".into()) })])
        };
        let env = |text: &str| {
            Layer::from([("k".into(), Given { raw: Raw::Text(text.into()), origin: Origin::Env("AUTHD_K".into()) })])
        };
        let mut one = flag("flag");
        lay_over(&mut one, env("env"));
        let mut two = env("env");
        lay_over(&mut two, flag("flag"));
        assert_eq!((one["k"].raw.to_text(), two["k"].raw.to_text()), ("flag".to_owned(), "flag".to_owned()));
    }
}
