//! `[language]`: in which languages people read pages, letters and text messages.

use std::path::PathBuf;

use crate::config::reader::{ConfigReader, ReadResult};
use crate::model::LanguageTag;

section! {
    /// `[language]`: in which languages people read pages, letters and text messages.
    pub struct LanguageConfig = "language" {
        /// The language for those who wish for none that the server has.
        default: LanguageTag = language();
        /// Whether the language that a browser prefers counts, and is stored at sign-up.
        negotiate: bool = truth();
        /// A folder with files of words that replace built-in texts or add languages.
        words: Option<PathBuf> = optional_folder();
    }
}

impl ConfigReader {
    /// Reads a language tag.
    fn language(&mut self, key: &'static str) -> ReadResult<LanguageTag> {
        self.value(key, "a language tag like \"de\" or \"pt-BR\"", |raw| {
            LanguageTag::parse(raw.to_text().trim())
        })
    }
}
