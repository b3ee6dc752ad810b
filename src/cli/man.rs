//! `authd man`: manual pages, generated from the definition of the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;
use serde_json::json;

use super::Arguments;
use super::console::{Console, OutputFormat};
use super::failure::Failure;

/// Print a manual page, or write the pages of all commands to a folder
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd man | man -l -
      Read the manual
  authd man user import | man -l -
      Read the page of one command
  authd man --dir /usr/local/share/man/man1
      Install the pages of all commands")]
pub struct Man {
    /// Write all pages to this folder, which is created if necessary
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    dir: Option<PathBuf>,

    /// The command whose page is printed
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Man {
    /// Prints one page, or writes all pages.
    pub fn run(self, console: &mut Console) -> Result<(), Failure> {
        let mut root = Arguments::command().disable_help_subcommand(true);
        root.build();
        match self.dir {
            Some(dir) => install(&root, &dir, console),
            None => Ok(console.document(&text(find(&root, &self.command)?)?)?),
        }
    }
}

/// Finds a command by its words.
fn find<'a>(root: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    words.iter().try_fold(root, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            Failure::usage(format_args!("there is no command {:?}", words.join(" ")))
                .hint("list all commands: authd --help")
        })
    })
}

fn text(command: &Command) -> Result<String, Failure> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let source = concat!("authd ", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    Page::new(command.clone())
        .title(name)
        .source(source)
        .manual("authd manual")
        .render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    // The text after the long help contains only examples.
    Ok(page.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n"))
}

fn install(root: &Command, dir: &Path, console: &mut Console) -> Result<(), Failure> {
    let cannot =
        |error| Failure::failed(format_args!("cannot write to {}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(cannot)?;
    let mut files = Vec::new();
    for command in all(root) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        let file = dir.join(format!("{name}.1"));
        std::fs::write(&file, text(command)?).map_err(cannot)?;
        files.push(file);
    }
    match console.form() {
        OutputFormat::Json => Ok(console.json(&json!(files))?),
        OutputFormat::People => {
            Ok(console.line(&format!("wrote {} pages to {}", files.len(), dir.display()))?)
        }
    }
}

/// A command and all its subcommands.
fn all(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(all);
    std::iter::once(command).chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_whole_name() {
        let mut root = Arguments::command().disable_help_subcommand(true);
        root.build();
        let pages = all(&root);
        let names: Vec<_> = pages.iter().filter_map(|page| page.get_display_name()).collect();
        assert!(
            names.contains(&"authd-user-create")
                && !names.iter().any(|name| name.ends_with("help")),
            "{names:?}"
        );
        let page = text(find(&root, &["user".to_owned(), "create".to_owned()]).unwrap()).unwrap();
        assert!(page.contains(".SH EXAMPLES") && page.contains("authd user create"), "{page}");
    }
}
