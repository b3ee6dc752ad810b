//! The command line, with one file per command group.
//!
//! Data goes to standard output, everything else to standard error. The exit code is 0 on success,
//! 1 on failure, and 2 for a wrong command line. This module only parses commands and prints
//! results; the core does the work.

mod app;
mod audit;
mod backup;
mod completions;
mod config;
pub mod console;
mod doctor;
pub mod failure;
mod global;
mod health;
mod key;
mod log;
mod long_work;
mod mail;
mod man;
mod migrate;
mod openapi;
mod opened;
mod profile;
mod progress;
mod prompt;
mod provider;
mod restore;
mod role;
mod rollback;
mod serve;
mod stats;
mod systemd;
mod test_mode;
mod top;
mod user;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::{Console, OutputFormat};
use failure::{Exit, Failure};
pub use global::Global;

/// An authentication server in a single binary.
///
/// `authd serve` in an empty folder creates the database and keys, and serves sign-up, e-mail
/// verification, login and sessions. The other commands use the same database, whether the server
/// is running or not.
#[derive(Debug, Parser)]
#[command(name = "authd", version, arg_required_else_help = true, after_long_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  authd serve
      Serve on http://localhost:3000 from authd.db in this folder
  authd user create --email you@example.com --role admin --verified
      Create the first admin; prompts for the password
  authd mail list
      List the mail that waits for a mail server
  authd doctor
      Check the deployment, and say how to fix what is wrong

Exit codes: 0 success, 1 failure, 2 wrong command line.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Role(role::RoleCommand),
    #[command(subcommand)]
    App(app::AppCommand),
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    #[command(subcommand)]
    Key(key::KeyCommand),
    #[command(subcommand)]
    Mail(mail::MailCommand),
    Audit(audit::AuditCommand),
    Backup(backup::Backup),
    Restore(restore::DatabaseRestore),
    Rollback(rollback::Rollback),
    Migrate(migrate::Migrate),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    #[command(subcommand)]
    Words(words::WordsCommand),
    Doctor(doctor::DoctorCommand),
    Health(health::Health),
    Stats(stats::StatsCommand),
    Top(top::TopCommand),
    Openapi(openapi::Openapi),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Parses the command line, runs the command and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Ignore errors: a reader may close the pipe before the end of the help, and errors on
            // standard error cannot be reported.
            let _ = error.print();
            return if error.exit_code() == 0 { Exit::Done.into() } else { Exit::Usage.into() };
        }
    };
    let form = if parsed.global.json { OutputFormat::Json } else { OutputFormat::People };
    let mut console = Console::of_process(form);
    let ended = run(parsed, &mut console).and_then(|()| Ok(console.flush()?));
    match ended {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            // Print the data that the command found before it failed. Its failure matters more than
            // an error in writing.
            let _ = console.flush();
            console.failure(&failure);
            failure.exit().into()
        }
    }
}

fn run(arguments: Arguments, console: &mut Console) -> Result<(), Failure> {
    let global = &arguments.global;
    match arguments.command {
        Command::Serve(command) => command.run(global, console),
        Command::User(command) => command.run(global, console),
        Command::Role(command) => command.run(global, console),
        Command::App(command) => command.run(global, console),
        Command::Provider(command) => command.run(global, console),
        Command::Key(command) => command.run(global, console),
        Command::Mail(command) => command.run(global, console),
        Command::Audit(command) => command.run(global, console),
        Command::Backup(command) => command.run(global, console),
        Command::Restore(command) => command.run(global, console),
        Command::Rollback(command) => command.run(global, console),
        Command::Migrate(command) => command.run(global, console),
        Command::Config(command) => command.run(global, console),
        Command::Profile(command) => command.run(console),
        Command::Words(command) => command.run(global, console),
        Command::Doctor(command) => command.run(global, console),
        Command::Health(health::Health {}) => health::run(global, console),
        Command::Stats(command) => command.run(global, console),
        Command::Top(command) => command.run(global, console),
        Command::Openapi(command) => command.run(global, console),
        Command::Completions(command) => command.run(console),
        Command::Man(command) => command.run(console),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_in_its_long_help() {
        fn leaves(command: &clap::Command, found: &mut Vec<String>) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(|inner| leaves(inner, found));
            } else if command
                .get_after_long_help()
                .is_none_or(|help| !help.to_string().contains("Examples:\n  authd "))
            {
                found.push(command.get_name().to_owned());
            }
        }
        let mut without = Vec::new();
        leaves(&Arguments::command(), &mut without);
        assert_eq!(without, Vec::<String>::new());
    }

    #[test]
    fn no_argument_takes_a_secret() {
        fn look(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                let takes_value = argument.get_action().takes_values();
                assert!(
                    !takes_value || !(name.contains("password") || name.contains("secret")),
                    "{name}"
                );
            }
            command.get_subcommands().for_each(look);
        }
        look(&Arguments::command());
    }
}
