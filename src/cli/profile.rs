//! `authd profile`: the presets that a configuration starts from.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{Console, ListRecord, OutputFormat};
use super::failure::Failure;
use super::global::profile_names;
use crate::config::report;

/// List and show configuration presets
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    List(ProfileList),
    Show(ProfileShow),
}

/// List the presets
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd profile list
      List all presets and what each is for")]
pub struct ProfileList {}

/// Print a preset as a configuration file
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd profile show standard | less
      Read every setting, with its default and an explanation. Copy what you change into authd.toml
  diff <(authd profile show standard) <(authd profile show perfect21)
      Compare two presets")]
pub struct ProfileShow {
    /// The name of the preset
    #[arg(value_name = "NAME", value_parser = profile_names())]
    name: String,
}

impl ProfileCommand {
    pub fn run(self, console: &mut Console) -> Result<(), Failure> {
        match self {
            ProfileCommand::List(_) => {
                let rows: Vec<ProfileRow> = report::profiles()
                    .into_iter()
                    .map(|(name, about)| ProfileRow { name, about })
                    .collect();
                Ok(console.records(&rows)?)
            }
            ProfileCommand::Show(ProfileShow { name }) => {
                let Some(text) = report::profile(&name) else {
                    return Err(Failure::usage(format_args!("there is no profile named {name:?}"))
                        .hint("list all profiles: authd profile list"));
                };
                match console.form() {
                    OutputFormat::People => Ok(console.document(&text)?),
                    OutputFormat::Json => Ok(console.json(&json!({ "name": name, "toml": text }))?),
                }
            }
        }
    }
}

/// A preset in a list.
struct ProfileRow {
    name: &'static str,
    about: &'static str,
}

impl ListRecord for ProfileRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "ABOUT"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.about.to_owned()]
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "about": self.about })
    }
}
