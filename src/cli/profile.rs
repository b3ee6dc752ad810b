//! `authd profile`: the presets that a configuration starts from.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{Console, Form, Record};
use super::failure::Failure;
use crate::config::report;

/// See the presets that a configuration starts from
#[derive(Debug, Subcommand)]
pub enum Profile {
    List(List),
    Show(Show),
}

/// List the presets
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd profile list
      See which presets there are and what each is for")]
pub struct List {}

/// Show a preset as the configuration file that it is
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd profile show standard > authd.toml
      Begin a configuration file of one's own
  diff <(authd profile show standard) <(authd profile show perfect21)
      See how two presets differ")]
pub struct Show {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

impl Profile {
    /// Does it.
    pub fn run(self, console: &mut Console) -> Result<(), Failure> {
        match self {
            Profile::List(_) => {
                let rows: Vec<Row> = report::profiles().into_iter().map(|(name, about)| Row { name, about }).collect();
                Ok(console.records(&rows)?)
            }
            Profile::Show(Show { name }) => {
                let Some(text) = report::profile(&name) else {
                    return Err(Failure::usage(format_args!("there is no profile named {name:?}"))
                        .hint("see which there are: authd profile list"));
                };
                match console.form() {
                    Form::People => Ok(console.document(text)?),
                    Form::Json => Ok(console.json(&json!({ "name": name, "toml": text }))?),
                }
            }
        }
    }
}

/// A preset in a list.
struct Row {
    name: &'static str,
    about: &'static str,
}

impl Record for Row {
    const HEADINGS: &'static [&'static str] = &["NAME", "ABOUT"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.about.to_owned()]
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "about": self.about })
    }
}
