//! `authd words`: files of words, for translators and for operators with words of their own.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::model::LanguageTag;
use crate::words::check::check;
use crate::words::source::{WordFault, WordProblem};
use crate::words::{Catalogue, english, export};

/// Check and write files of words, in which pages, letters and text messages are translated
#[derive(Debug, Subcommand)]
pub enum WordsCommand {
    Check(WordsCheck),
    Export(WordsExport),
}

/// Check files of words
///
/// Lists texts that are missing, unknown, use other placeholders than the English ones, or are too
/// long for their place, with the line of each. Exits with 1 if there is one.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd words check words/sv.toml
      Check a translation
  authd words check --partial words/de.toml
      Check a file that replaces some texts of a language")]
pub struct WordsCheck {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Do not list missing texts: the file replaces only some
    #[arg(long)]
    partial: bool,
}

/// Print the words of a language as a file
///
/// A language that the server does not have is printed in English, to be translated. The language
/// en-XA is for tests: English, doubled and written from right to left.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd words export de > words/de.toml
      Start from the German words
  authd words export sv > words/sv.toml
      Start a translation into Swedish
  authd words export en-XA > words/en-XA.toml
      Write the language for tests of layouts")]
pub struct WordsExport {
    /// The language tag
    #[arg(value_name = "LANGUAGE", value_parser = language)]
    language: LanguageTag,
}

fn language(text: &str) -> Result<LanguageTag, String> {
    LanguageTag::parse(text).ok_or_else(|| "expected a language tag like de or pt-BR".to_owned())
}

impl WordsCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            WordsCommand::Check(command) => command.run(console),
            WordsCommand::Export(command) => command.run(global, console),
        }
    }
}

impl WordsCheck {
    fn run(self, console: &mut Console) -> Result<(), Failure> {
        let mut rows = Vec::new();
        for file in &self.files {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .map_err(|cause| Failure::failed(format_args!("{name} cannot be read: {cause}")))?;
            let is_shown =
                |problem: &WordProblem| !(self.partial && problem.fault == WordFault::Missing);
            let problems = check(&text).into_iter().filter(is_shown);
            rows.extend(problems.map(|problem| (name.clone(), problem)));
        }
        match console.form() {
            OutputFormat::People => {
                for (file, WordProblem { line, why, .. }) in &rows {
                    console.line(&format!("{file}:{line}: {why}"))?;
                }
            }
            OutputFormat::Json => {
                let rows = rows.iter().map(
                    |(file, problem)| json!({ "file": file, "line": problem.line, "message": problem.why }),
                );
                console.json(&Value::Array(rows.collect()))?;
            }
        }
        if rows.is_empty() { Ok(()) } else { Err(Failure::reported()) }
    }
}

impl WordsExport {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let config = opened::configuration(global, console)?.config;
        let own = &config.language;
        let catalogue = Catalogue::load(own.words.as_deref(), own.default)
            .map_err(|error| Failure::failed(error.message()))?;
        let text = match catalogue.find(&self.language) {
            Some(language) => export::export(&language),
            None if self.language.as_str() == export::PSEUDO => export::export_pseudo(),
            None => export::export(&english()),
        };
        match console.form() {
            OutputFormat::People => Ok(console.document(&text)?),
            OutputFormat::Json => {
                Ok(console.json(&json!({ "language": self.language.as_str(), "toml": text }))?)
            }
        }
    }
}
