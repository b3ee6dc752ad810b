//! `authd completions`: shell completions, generated from the definition of the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;
use super::console::Console;
use super::failure::Failure;

/// Print completions for a shell
///
/// The completions cover the commands, options and fixed values of this version.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd completions bash > /etc/bash_completion.d/authd
      Install for all bash users on this machine
  authd completions zsh > ~/.zfunc/_authd
      Install for yourself, if ~/.zfunc is in fpath
  authd completions fish > ~/.config/fish/completions/authd.fish
      Install for yourself, in fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the completion script.
    pub fn run(self, console: &mut Console) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "authd", &mut script);
        Ok(console.document(&String::from_utf8_lossy(&script))?)
    }
}
