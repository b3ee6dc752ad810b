//! Reads typed values from the merged layers and collects all problems.
//!
//! The reader records every key that is read. A key that was given but never read is unknown.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::layer::{Layer, Origin, Raw, SourcedValue};
use super::problem::Problem;
use crate::config::Network;
use crate::config::values::rate::Rate;
use crate::config::values::rate::Shape;
use crate::config::values::{bytes, span};
use crate::model::{Database, PostgresUrl, Secret};

/// One key of the effective configuration, safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The key, like `tokens.access`.
    pub key: Cow<'static, str>,
    /// The value as text, with secrets masked. `None` if it is not set.
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
    /// A description of the allowed values.
    pub allowed: String,
    /// How much of the value may be shown.
    pub(super) show: Visibility,
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    /// The whole value.
    All,
    /// The scheme, host and port of a URL: user name and password, path and query may be secret.
    Url,
    /// All but the password of a URL.
    Login,
    /// Nothing, because the value is a secret.
    Hidden,
}

/// Whether a key may be unset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    Maybe,
}

/// A value could not be read. The problem has been recorded, and reading continues to find further
/// problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

/// The result of reading a value.
pub(super) type ReadResult<T> = Result<T, Reported>;

/// The form of a place of a database.
const DATABASE_PLACE: &str = "a file path or postgres://USER@HOST/DATABASE";

/// Replaces a secret where values are shown.
pub(super) const MASK: &str = "***";

/// Reads typed values from merged layers; see the module documentation.
pub(super) struct ConfigReader {
    given: Layer,
    dir: PathBuf,
    pub entries: Vec<ConfigEntry>,
    pub problems: Vec<Problem>,
    pub notes: Vec<String>,
}

impl ConfigReader {
    /// Creates a reader over merged layers. Relative paths start at `dir`.
    pub fn new(given: Layer, dir: &Path) -> Self {
        Self {
            given,
            dir: dir.to_owned(),
            entries: Vec::new(),
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Reads a key that must have a value.
    pub fn value<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl Fn(&Raw) -> Option<T>,
    ) -> ReadResult<T> {
        let Some(value) = self.find(key, allowed, (Need::Always, Visibility::All), parse)? else {
            self.problems.push(Problem::new(key, None, format!("expected {allowed}, got nothing")));
            return Err(Reported);
        };
        Ok(value)
    }

    /// Reads a key that may be unset, or removed with `"none"` or `"off"`.
    pub fn option<T>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        allowed: &str,
        parse: impl Fn(&Raw) -> Option<T>,
    ) -> ReadResult<Option<T>> {
        self.find(key, &format!("{allowed}, or \"none\""), (Need::Maybe, Visibility::All), parse)
    }

    /// Reads a secret, which is never shown.
    pub fn secret(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        allowed: &str,
    ) -> ReadResult<Option<Secret>> {
        self.find(
            key,
            &format!("{allowed}, or \"none\""),
            (Need::Maybe, Visibility::Hidden),
            |raw| text(raw).filter(|_| !raw.is_none()).map(Secret::new),
        )
    }

    /// Reads a URL of which only scheme, host and port are shown.
    pub fn url<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> ReadResult<Option<T>> {
        self.find(key, &format!("{allowed}, or \"none\""), (Need::Maybe, Visibility::Url), |raw| {
            parse(&text(raw)?)
        })
    }

    /// Reads a duration within bounds.
    pub fn duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
    ) -> ReadResult<Duration> {
        let allowed = duration_form(&bounds);
        self.value(key, &allowed, |raw| {
            span::parse(&text(raw)?).filter(|span| bounds.contains(span))
        })
    }

    /// Reads an optional duration within bounds.
    pub fn optional_duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
    ) -> ReadResult<Option<Duration>> {
        let allowed = duration_form(&bounds);
        self.option(key, &allowed, |raw| {
            span::parse(&text(raw)?).filter(|span| bounds.contains(span))
        })
    }

    /// Reads an integer within bounds.
    pub fn whole<T: TryFrom<u64> + Display>(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> ReadResult<T> {
        self.value(key, &whole_form(&bounds), |raw| whole(raw, &bounds))
    }

    /// Reads a number of bytes within bounds: plain, or with a unit like `10MB`.
    pub fn size(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> ReadResult<u64> {
        let allowed = format!("{} bytes, or a size like 10MB", whole_form(&bounds));
        self.value(key, &allowed, |raw| match raw {
            Raw::Text(text) => bytes::parse(text).filter(|size| bounds.contains(size)),
            other => whole(other, &bounds),
        })
    }

    /// Reads an optional integer within bounds.
    pub fn optional_whole<T: TryFrom<u64>>(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> ReadResult<Option<T>> {
        self.option(key, &whole_form(&bounds), |raw| whole(raw, &bounds))
    }

    /// Reads `true` or `false`.
    pub fn truth(&mut self, key: &'static str) -> ReadResult<bool> {
        self.value(key, "true or false", truth)
    }

    /// Reads `true` or `false` for a key that may be unset.
    pub fn optional_truth(
        &mut self,
        key: impl Into<Cow<'static, str>>,
    ) -> ReadResult<Option<bool>> {
        self.option(key, "true or false", truth)
    }

    /// Reads one of a set of words, ignoring case.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> ReadResult<T> {
        let find = |raw: &Raw| {
            let came = text(raw)?;
            words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&came)).map(|(_, value)| *value)
        };
        let before = self.problems.len();
        let found = self.value(key, &alternatives(words.iter().map(|(word, _)| *word)), find);
        if let (Some(problem), Some(given)) = (self.problems.get_mut(before), self.given.get(key)) {
            *problem =
                problem.clone().suggest(&given.raw.to_text(), words.iter().map(|(word, _)| *word));
        }
        found
    }

    /// Reads a non-empty text of at most `longest` characters, without control characters.
    pub fn text(&mut self, key: &'static str, longest: usize) -> ReadResult<String> {
        self.value(key, &format!("a text of 1 to {longest} characters"), |raw| line(raw, longest))
    }

    /// Reads an optional text, by the rules of [`ConfigReader::text`].
    pub fn optional_text(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        longest: usize,
    ) -> ReadResult<Option<String>> {
        self.option(key, &format!("a text of 1 to {longest} characters"), |raw| line(raw, longest))
    }

    /// Reads a list: in TOML a list of strings, elsewhere separated by commas or in TOML syntax.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        each: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> ReadResult<Vec<T>> {
        self.value(key, &format!("a list of {each}"), |raw| {
            items(raw)?.iter().map(|item| parse(item)).collect()
        })
    }

    /// Reads an optional list, by the rules of [`ConfigReader::list`].
    pub fn optional_list<T>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        each: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> ReadResult<Option<Vec<T>>> {
        self.option(key, &format!("a list of {each}"), |raw| {
            items(raw)?.iter().map(|item| parse(item)).collect()
        })
    }

    /// The names of the tables in a table whose keys are free, such as `google` in
    /// `providers.google.client_id`.
    pub fn names_in(&self, table: &str) -> BTreeSet<String> {
        let names = self.given.keys().filter_map(|key| {
            let (name, _) = key.strip_prefix(table)?.strip_prefix('.')?.split_once('.')?;
            Some(name.to_owned())
        });
        names.collect()
    }

    /// Reads an optional list of networks. `None` differs from an empty list.
    pub fn optional_networks(&mut self, key: &'static str) -> ReadResult<Option<Vec<Network>>> {
        self.option(key, "a list of addresses or networks like 10.0.0.5 or 10.1.0.0/16", |raw| {
            items(raw)?.iter().map(|item| Network::parse(item)).collect()
        })
    }

    /// Parses a list of networks.
    pub fn networks(raw: &Raw) -> Option<Vec<Network>> {
        items(raw)?.iter().map(|item| Network::parse(item)).collect()
    }

    /// Reads the optional path of an existing file.
    pub fn optional_file(&mut self, key: &'static str) -> ReadResult<Option<PathBuf>> {
        let dir = self.dir.clone();
        self.option(key, "an existing file", |raw| path(raw, &dir).filter(|path| path.is_file()))
    }

    /// Reads the place of a database: the path of a file, or the URL of a PostgreSQL database.
    pub fn database(&mut self, key: &'static str) -> ReadResult<Database> {
        let dir = self.dir.clone();
        let read = self.find(key, DATABASE_PLACE, (Need::Always, Visibility::Login), |raw| {
            let url = text(raw).filter(|text| PostgresUrl::is_meant(text));
            match url {
                Some(url) => Some(PostgresUrl::parse(&url, &dir).map(Database::of_server)),
                None => path(raw, &dir).map(|path| Ok(Database::File(path))),
            }
        });
        match read? {
            Some(Ok(database)) => Ok(database),
            Some(Err(message)) => {
                self.refuse(key, message);
                Err(Reported)
            }
            None => {
                let message = format!("expected {DATABASE_PLACE}, got nothing");
                self.problems.push(Problem::new(key, None, message));
                Err(Reported)
            }
        }
    }

    /// Reads an optional path, of something that may not exist yet.
    pub fn optional_path(
        &mut self,
        key: &'static str,
        allowed: &str,
    ) -> ReadResult<Option<PathBuf>> {
        let dir = self.dir.clone();
        self.option(key, allowed, |raw| path(raw, &dir))
    }

    /// Reads the optional path of an existing folder.
    pub fn optional_folder(&mut self, key: &'static str) -> ReadResult<Option<PathBuf>> {
        let dir = self.dir.clone();
        self.option(key, "an existing folder", |raw| path(raw, &dir).filter(|path| path.is_dir()))
    }

    /// Reads a rate: `{ count, window, shape }`, or `"off"`. `keys` are the rate's own key and its
    /// three parts.
    pub fn rate(&mut self, keys: [&'static str; 4]) -> ReadResult<Option<Rate>> {
        let [whole, count, window, shape] = keys;
        self.spread_off(whole, count);
        let day = Duration::from_hours(24);
        let count = self.whole(count, 0..=1_000_000);
        let window = self.duration(window, Duration::from_secs(1)..=30 * day);
        let shape = self.choice(shape, &[("window", Shape::Window), ("smooth", Shape::Smooth)]);
        let rate = Rate { count: count?, window: window?, shape: shape? };
        Ok((rate.count > 0).then_some(rate))
    }

    /// Converts `limits.general = "off"` to `limits.general.count = 0`, unless a higher layer gives
    /// a count.
    fn spread_off(&mut self, whole: &'static str, count: &'static str) {
        let Some(given) = self.given.remove(whole) else { return };
        if !given.raw.is_none() {
            let message = format!(
                "expected {{ count, window, shape }} or \"off\", got {}",
                given.raw.quoted()
            );
            self.problems.push(Problem::new(whole, Some(given.origin), message));
            return;
        }
        let there = self.given.get(count).map(|there| there.origin.clone());
        match there {
            Some(origin) if origin.rank() > given.origin.rank() => {}
            Some(origin) if origin.rank() == given.origin.rank() => {
                let message =
                    format!("\"off\" contradicts {count} ({origin}): set only one of them");
                self.problems.push(Problem::new(whole, Some(given.origin), message));
            }
            _ => {
                self.given.insert(
                    count.to_owned(),
                    SourcedValue { raw: Raw::Integer(0), origin: given.origin },
                );
            }
        }
    }

    /// Where a key's value came from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.given.get(key).map(|given| &given.origin)
    }

    /// Records a problem with a value that is well-formed but not acceptable.
    pub fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let origin = self.origin(key).cloned();
        self.problems.push(Problem::new(key, origin, message.into()));
    }

    /// Adds a note to be shown at start. Notes stop nothing.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Refuses every key that was given but never read. Must be called last.
    pub fn refuse_unknown(&mut self) {
        let known: BTreeSet<&str> = self.entries.iter().map(|entry| &*entry.key).collect();
        for (key, given) in &self.given {
            if known.contains(key.as_str()) {
                continue;
            }
            // Of equally near keys, suggest the one that was read first: `server` is read before
            // the other sections.
            let mut problem =
                Problem::new(key, Some(given.origin.clone()), allowed_beside(key, &known))
                    .suggest(key, self.entries.iter().map(|entry| &*entry.key));
            if let Some(variable) = given.origin.variable() {
                variable.clone_into(&mut problem.key);
                problem.nearest = problem.nearest.map(|key| variable_of(&key));
            }
            self.problems.push(problem);
        }
    }

    fn find<T>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        allowed: &str,
        (need, show): (Need, Visibility),
        parse: impl Fn(&Raw) -> Option<T>,
    ) -> ReadResult<Option<T>> {
        let key = key.into();
        let given = self.given.get(&*key);
        let (origin, raw) = match given {
            Some(given) => (given.origin.clone(), Some(&given.raw)),
            None => (Origin::BuiltIn, None),
        };
        // Some keys give "off" a meaning of their own, so the key's own parser runs first.
        let is_taken_away = |raw: &Raw| need == Need::Maybe && raw.is_none();
        let read =
            raw.map(|raw| parse(raw).map(Some).or_else(|| is_taken_away(raw).then_some(None)));
        let is_set = !matches!(read, None | Some(Some(None)));
        let value = raw.filter(|_| is_set).map(|raw| shown(raw, show));
        let read = match (read, raw) {
            (None, _) => Ok(None),
            (Some(None), Some(raw)) => {
                let came = match show {
                    // The administrator may have put a URL with a password under the wrong key.
                    Visibility::All | Visibility::Login if raw.to_text().contains("://") => {
                        shown(raw, Visibility::Url)
                    }
                    Visibility::All | Visibility::Login => raw.quoted(),
                    Visibility::Url | Visibility::Hidden => "something else (not shown)".to_owned(),
                };
                let would_do = raw.unquoted().is_some_and(|raw| parse(&raw).is_some());
                let advice = if would_do { "; leave out the quotes" } else { "" };
                let message = format!("expected {allowed}, got {came}{advice}");
                self.problems.push(Problem::new(&key, Some(origin.clone()), message));
                Err(Reported)
            }
            (Some(read), _) => Ok(read.flatten()),
        };
        self.entries.push(ConfigEntry { key, value, origin, allowed: allowed.to_owned(), show });
        read
    }
}

/// The environment variable of a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("AUTHD_{}", key.replace('.', "__").to_uppercase())
}

fn allowed_beside(key: &str, known: &BTreeSet<&str>) -> String {
    let section = key.split('.').next().unwrap_or("");
    let inside: Vec<&str> =
        known.iter().filter_map(|known| known.strip_prefix(section)?.strip_prefix('.')).collect();
    if inside.is_empty() {
        let sections = known.iter().filter_map(|known| known.split('.').next());
        // Its keys have names of the user's choice, so none is known before one is set.
        let sections: BTreeSet<&str> = sections.chain(["providers"]).collect();
        let sections: Vec<&str> = sections.into_iter().collect();
        return format!("unknown key; expected one of {}", sections.join(", "));
    }
    format!("unknown key; expected a key of [{section}]: {}", inside.join(", "))
}

fn shown(raw: &Raw, show: Visibility) -> String {
    match show {
        Visibility::All => raw.to_text(),
        Visibility::Login => without_password(&raw.to_text()),
        Visibility::Hidden => MASK.to_owned(),
        Visibility::Url => {
            let text = raw.to_text();
            let Some((scheme, rest)) = text.split_once("://") else { return MASK.to_owned() };
            let (login, rest) = match rest.rsplit_once('@') {
                Some((_, rest)) => (format!("{MASK}@"), rest),
                None => (String::new(), rest),
            };
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let path =
                if rest[end..].len() > 1 { format!("/{MASK}") } else { rest[end..].to_owned() };
            format!("{scheme}://{login}{}{path}", &rest[..end])
        }
    }
}

/// A text in which the password of a URL is masked.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let Some((login, rest)) = rest.rsplit_once('@') else { return text.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{rest}"),
        None => text.to_owned(),
    }
}

fn truth(raw: &Raw) -> Option<bool> {
    match raw {
        Raw::Bool(truth) => Some(*truth),
        Raw::Text(text) => text.trim().to_lowercase().parse().ok(),
        _ => None,
    }
}

fn text(raw: &Raw) -> Option<String> {
    match raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

fn line(raw: &Raw, longest: usize) -> Option<String> {
    let text = text(raw).filter(|text| !text.trim().is_empty() && !raw.is_none())?;
    let is_plain = text.chars().count() <= longest && !text.contains(char::is_control);
    is_plain.then(|| text.trim().to_owned())
}

fn path(raw: &Raw, dir: &Path) -> Option<PathBuf> {
    let path = line(raw, 4096).filter(|path| !path.contains("://"))?;
    Some(dir.join(path))
}

fn whole<T: TryFrom<u64>>(raw: &Raw, bounds: &RangeInclusive<u64>) -> Option<T> {
    let number = match raw {
        Raw::Integer(number) => u64::try_from(*number).ok()?,
        Raw::Text(text) if text.trim().bytes().all(|b| b.is_ascii_digit()) => {
            text.trim().parse().ok()?
        }
        _ => return None,
    };
    bounds.contains(&number).then(|| T::try_from(number).ok())?
}

fn items(raw: &Raw) -> Option<Vec<String>> {
    match raw {
        Raw::List(items) => Some(items.clone()),
        Raw::Text(text) if text.trim_start().starts_with('[') => {
            let wrapped: BTreeMap<String, Vec<String>> =
                toml::from_str(&format!("list = {text}")).ok()?;
            wrapped.into_values().next()
        }
        Raw::Text(_) if raw.is_none() => None,
        Raw::Text(text) => Some(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        _ => None,
    }
}

fn alternatives<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    quoted.join(" or ")
}

fn whole_form(bounds: &RangeInclusive<u64>) -> String {
    format!("an integer from {} to {}", bounds.start(), bounds.end())
}

fn duration_form(bounds: &RangeInclusive<Duration>) -> String {
    format!(
        "{}, from {} to {}",
        span::FORM,
        span::to_text(*bounds.start()),
        span::to_text(*bounds.end())
    )
}
