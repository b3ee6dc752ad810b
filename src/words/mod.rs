//! The words that people read, in each language: on pages, in letters and in text messages.
//!
//! A language is a file `static/words/<language>.toml`. The build script generates the type
//! [`Words`] from `en.toml`: a field for each key, and a method for a key with placeholders, whose
//! parameters are the placeholders in alphabetical order. So a name that does not exist does not
//! compile, neither here nor in a template, and a language that lacks a key does not build.
//!
//! Texts are plain: templates escape them. [`source`] says how a file is read, [`check`](mod@check)
//! what is wrong with it, and [`Catalogue`] which language a reader gets.

mod catalogue;
pub mod check;
mod dates;
pub mod export;
mod generated;
pub mod pieces;
pub mod source;
mod text;

pub use catalogue::Catalogue;
pub use generated::{Words, paths};
pub use text::Text;

use std::ops::Deref;

/// The tag of the language that every other is compared with.
const ENGLISH: &str = "en";

/// The words of one language, with its tag.
#[derive(Debug, Clone, Copy)]
pub struct Translation<'a> {
    /// The language tag (RFC 5646), for the `lang` attribute.
    pub tag: &'a str,
    pub words: &'a Words,
}

impl Deref for Translation<'_> {
    type Target = Words;

    fn deref(&self) -> &Words {
        self.words
    }
}

/// The languages that are compiled in.
pub fn built_in() -> impl Iterator<Item = Translation<'static>> {
    generated::built_in().iter().map(|(tag, words)| Translation { tag, words })
}

/// The words of the language that every other is compared with.
#[must_use]
pub fn english() -> Translation<'static> {
    Translation { tag: ENGLISH, words: generated::reference() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_reached_by_its_field_and_by_its_path() {
        assert_eq!(english().language.name.as_str(), "English");
        assert!(english().get("language.nothing").is_none());
        for words in built_in() {
            for path in paths() {
                let may_be_empty = path == "lists.sentence_space";
                let text = words.get(path).unwrap();
                assert!(may_be_empty || !text.is_empty(), "{}: {path}", words.tag);
            }
        }
    }
}
