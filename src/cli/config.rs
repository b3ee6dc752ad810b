//! `authd config`: what is in force and where it came from, and what a production deployment still lacks.

use clap::{Args, Subcommand};

use super::Global;
use super::console::Console;
use super::failure::Failure;
use super::opened;

/// See and check the configuration
///
/// Flags win over the environment (AUTHD_LISTEN, AUTHD_MAIL__SMTP_URL), which wins over the file (authd.toml), which
/// wins over the preset, which wins over what is built in.
#[derive(Debug, Subcommand)]
pub enum Config {
    Show(Show),
    Check(Check),
}

/// Show every value in force and where it came from; secrets are masked
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd config show
      See everything
  authd config show tokens
      See one section
  AUTHD_LISTEN=0.0.0.0:80 authd config show server.listen
      See what a variable does")]
pub struct Show {
    /// Only this key, or the keys of this section
    #[arg(value_name = "KEY")]
    key: Option<String>,
}

/// Say what a production deployment still lacks
///
/// Exits with 1 when something is an error.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd config check
      Check what is in force in this folder
  authd config check --config /etc/authd.toml --json
      Check a file from a script")]
pub struct Check {}

impl Config {
    /// Does it.
    pub fn run(self, _global: &Global, _console: &mut Console) -> Result<(), Failure> {
        Ok(())
    }
}
