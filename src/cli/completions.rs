//! `authd completions`: what a shell needs to complete commands, made from the definition that reads them.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;
use super::console::Console;
use super::failure::Failure;

/// Print the completions for a shell
///
/// They complete commands, options and fixed values as this very program knows them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd completions bash > /etc/bash_completion.d/authd
      For everybody who uses bash on this machine
  authd completions zsh > ~/.zfunc/_authd
      For oneself, where ~/.zfunc is in fpath
  authd completions fish > ~/.config/fish/completions/authd.fish
      For oneself, in fish")]
pub struct Completions {
    /// Which shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self, console: &mut Console) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "authd", &mut script);
        Ok(console.document(&String::from_utf8_lossy(&script))?)
    }
}
