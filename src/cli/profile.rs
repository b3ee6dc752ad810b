//! `authd profile`: the presets that a configuration starts from.

use clap::{Args, Subcommand};

use super::Global;
use super::console::Console;
use super::failure::Failure;

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
    pub fn run(self, _global: &Global, _console: &mut Console) -> Result<(), Failure> {
        Ok(())
    }
}
