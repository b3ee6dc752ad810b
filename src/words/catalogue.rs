//! The languages of a server, and the choice among them.
//!
//! They are those that are compiled in, and those of the operator's folder: a file
//! `<language>.toml` there replaces texts of a built-in language, or adds a language, which has the
//! English text for each key that it lacks.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::check;
use super::generated::Words;
use super::source::{WordFault, WordProblem};
use super::text::Text;
use super::{Translation, english};
use crate::error::{Error, Kind, Result};
use crate::model::LanguageTag;

/// How many ranges of an `Accept-Language` header are read.
const MOST_RANGES: usize = 20;

/// The languages of a server.
#[derive(Debug)]
pub struct Catalogue {
    /// Of the operator's folder; they hide built-in ones of the same tag.
    own: Vec<(LanguageTag, Words)>,
    default: LanguageTag,
    incomplete: Vec<(LanguageTag, usize)>,
}

impl Catalogue {
    /// Reads the operator's folder, if there is one.
    ///
    /// # Errors
    /// `Validation` if the folder cannot be read, a file of it is invalid, or the default is no
    /// language of the server.
    pub fn load(folder: Option<&Path>, default: LanguageTag) -> Result<Self> {
        let mut catalogue = Self { own: Vec::new(), default, incomplete: Vec::new() };
        if let Some(folder) = folder {
            catalogue.read(folder)?;
        }
        if catalogue.find(&default).is_none() {
            let known: Vec<_> = catalogue.all().map(|language| language.tag).collect();
            let message = format!(
                "there are no words for the language {default}; known: {}",
                known.join(", ")
            );
            return Err(Error::with(Kind::Validation, message));
        }
        Ok(catalogue)
    }

    fn read(&mut self, folder: &Path) -> Result<()> {
        let unreadable = |path: &Path, cause: std::io::Error| {
            let message = format!("words in {} cannot be read: {cause}", path.display());
            Error::with(Kind::Validation, message).caused_by(cause)
        };
        for entry in std::fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
            let path = entry.map_err(|cause| unreadable(folder, cause))?.path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let invalid = |why: String| {
                let message = format!("words in {}, {why}", path.display());
                Error::with(Kind::Validation, message)
            };
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let tag = LanguageTag::parse(&name)
                .filter(|tag| tag.as_str() == name)
                .ok_or_else(|| invalid(format!("line 1: {name} is no language tag")))?;
            let text = std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause))?;
            let problems = check(&text);
            let is_fatal = |problem: &&WordProblem| problem.fault == WordFault::Invalid;
            if let Some(problem) = problems.iter().find(is_fatal) {
                return Err(invalid(problem.to_string()));
            }
            self.add(tag, &text)?;
        }
        self.own.sort_by_key(|(tag, _)| *tag);
        self.incomplete.sort_unstable();
        Ok(())
    }

    fn add(&mut self, tag: LanguageTag, source: &str) -> Result<()> {
        let entries = super::source::parse(source)
            .map_err(|_| Error::internal("invalid words were accepted"))?;
        let texts: BTreeMap<&str, &str> =
            entries.iter().map(|entry| (entry.path.as_str(), entry.text.as_str())).collect();
        let below = super::built_in().find(|language| language.tag == tag.as_str());
        let mut missing = 0;
        let words = Words::build(&mut |path| match (texts.get(path), below) {
            (Some(text), _) => Text::own(text),
            (None, Some(below)) => below.get(path).cloned().unwrap_or_default(),
            (None, None) => {
                missing += 1;
                english().get(path).cloned().unwrap_or_default()
            }
        });
        if missing > 0 {
            self.incomplete.push((tag, missing));
        }
        self.own.push((tag, words));
        Ok(())
    }

    /// The languages of the folder that lack texts, and how many.
    #[must_use]
    pub fn incomplete(&self) -> &[(LanguageTag, usize)] {
        &self.incomplete
    }

    /// All languages.
    pub fn all(&self) -> impl Iterator<Item = Translation<'_>> {
        let own = self.own.iter().map(|(tag, words)| Translation { tag: tag.as_str(), words });
        let is_hidden = |tag: &str| self.own.iter().any(|(own, _)| own.as_str() == tag);
        let built_in = super::built_in().filter(move |language| !is_hidden(language.tag));
        let built_in = built_in.map(|Translation { tag, words }| Translation { tag, words });
        own.chain(built_in)
    }

    /// The language with this tag.
    #[must_use]
    pub fn find(&self, tag: &LanguageTag) -> Option<Translation<'_>> {
        self.exactly(tag.as_str())
    }

    fn exactly(&self, tag: &str) -> Option<Translation<'_>> {
        self.all().find(|language| language.tag.eq_ignore_ascii_case(tag))
    }

    /// The language for a range (RFC 4647, section 3.4): the range without its last subtags. If
    /// there is none, another variety of the same language in the same script: `pt-PT` gives
    /// `pt-BR`, but `zh-TW` does not give `zh-Hans`.
    #[must_use]
    pub fn lookup(&self, range: &str) -> Option<Translation<'_>> {
        let mut rest = range;
        loop {
            if let Some(found) = self.exactly(rest) {
                return Some(found);
            }
            let Some((shorter, _)) = rest.rsplit_once('-') else { break };
            // A single letter introduces the subtag after it.
            rest = match shorter.rsplit_once('-') {
                Some((before, single)) if single.len() == 1 => before,
                _ => shorter,
            };
        }
        let is_variety = |language: &Translation<'_>| {
            primary(language.tag).eq_ignore_ascii_case(primary(range))
                && script(language.tag).eq_ignore_ascii_case(script(range))
        };
        self.all().find(is_variety)
    }

    /// The language that an `Accept-Language` header prefers (RFC 9110, section 12.5.4); `None` if
    /// it names none that the server has.
    #[must_use]
    pub fn accepted(&self, header: &str) -> Option<LanguageTag> {
        let mut best: Option<(u16, Translation<'_>)> = None;
        for item in header.split(',').take(MOST_RANGES) {
            let (range, weight) = match item.split_once(';') {
                None => (item.trim(), Some(1000)),
                Some((range, parameter)) => (range.trim(), weight(parameter.trim())),
            };
            let Some(weight) = weight.filter(|weight| *weight > 0) else { continue };
            if best.as_ref().is_some_and(|(most, _)| *most >= weight) {
                continue;
            }
            if let Some(found) = self.lookup(range) {
                best = Some((weight, found));
            }
        }
        best.and_then(|(_, language)| LanguageTag::parse(language.tag))
    }

    /// The language for the first of these wishes that the server has a language for, else the
    /// default of the server.
    #[must_use]
    pub fn pick(&self, wishes: impl IntoIterator<Item = Option<LanguageTag>>) -> Translation<'_> {
        let mut wishes = wishes.into_iter().flatten();
        wishes
            .find_map(|wish| self.lookup(wish.as_str()))
            .or_else(|| self.find(&self.default))
            .unwrap_or(english())
    }

    /// The language of the server.
    #[must_use]
    pub fn default_language(&self) -> Translation<'_> {
        self.pick([])
    }
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// The script of a tag: its own, or for Chinese that of its region (CLDR, likely subtags); empty
/// where the language alone tells it.
fn script(tag: &str) -> &str {
    let mut subtags = tag.split('-').skip(1);
    if let Some(own) = subtags.clone().find(|subtag| subtag.len() == 4) {
        return own;
    }
    let is_traditional =
        subtags.any(|subtag| ["TW", "HK", "MO"].iter().any(|r| subtag.eq_ignore_ascii_case(r)));
    match (primary(tag).eq_ignore_ascii_case("zh"), is_traditional) {
        (true, true) => "Hant",
        (true, false) => "Hans",
        (false, _) => "",
    }
}

/// The weight of a range in thousandths (RFC 9110, section 12.4.2).
fn weight(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_number = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| is_number)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
