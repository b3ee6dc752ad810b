//! `authd provider`: the providers that people log in with.

mod add;
mod flags;
mod set;
mod test;
mod view;

use clap::{Args, Subcommand};
use serde_json::json;

use super::console::{Console, OutputFormat, plain};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::cli::prompt;
use crate::identity::FreshBy;
use crate::identity::admin::providers;
use crate::identity::admin::providers::ProviderOrigin;
use view::ProviderLine;

/// Add, list, change, test and remove the providers that people log in with
///
/// A provider of the configuration (`[providers.NAME]`) comes before one with the same name or issuer
/// that was added here. Changes take effect at once, also on a running server that uses the same database.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    Add(Box<add::ProviderAdd>),
    List(ProviderList),
    Show(ProviderShow),
    Set(Box<set::ProviderSet>),
    Test(test::ProviderTest),
    Remove(ProviderRemove),
}

/// List the providers of the configuration and of the database
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd provider list
      List all providers and where their settings are")]
pub struct ProviderList {}

/// Show a provider's settings, without its secret
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd provider show google
      Show the settings, and the address to register at the provider")]
pub struct ProviderShow {
    /// The provider's name
    #[arg(value_name = "NAME")]
    name: String,
}

/// Remove a provider that was added here; users can no longer log in with it
///
/// The accounts that are connected to it stay, and log in again once a provider with the same issuer
/// is there. Tokens that were kept of it are deleted.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd provider remove google
      Remove it after confirmation
  authd provider remove google --yes
      Remove it from a script")]
pub struct ProviderRemove {
    /// The provider's name
    #[arg(value_name = "NAME")]
    name: String,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl ProviderCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            ProviderCommand::Add(command) => command.run(global, console),
            ProviderCommand::List(ProviderList {}) => {
                opened::with_core(global, console, async |core, console| {
                    let all = providers::list(core).await?;
                    Ok(console.records(&all.iter().map(ProviderLine).collect::<Vec<_>>())?)
                })
            }
            ProviderCommand::Show(command) => {
                opened::with_core(global, console, async |core, console| {
                    let (record, identities) = providers::show(core, &command.name).await?;
                    view::show(console, &record, Some(identities))?;
                    flags::warn_of_address(core, console);
                    Ok(())
                })
            }
            ProviderCommand::Set(command) => command.run(global, console),
            ProviderCommand::Test(command) => command.run(global, console),
            ProviderCommand::Remove(command) => command.run(global, console),
        }
    }
}

impl ProviderRemove {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        if !self.yes {
            prompt::require_terminal()?;
        }
        opened::with_core(global, console, async |core, console| {
            let (record, connected) = providers::show(core, &self.name).await?;
            if !self.yes && (record.origin == ProviderOrigin::Database || record.has_double) {
                let name = plain(&self.name);
                let question = if record.origin == ProviderOrigin::Database {
                    format!("Remove {name}? Accounts that log in with it: {connected}.")
                } else {
                    format!("Remove {name} from the database? That of the configuration stays.")
                };
                prompt::confirm(&question)?;
            }
            let removed = providers::remove(core, &FreshBy::command_line(), &self.name).await?;
            let said = match console.form() {
                OutputFormat::Json => {
                    console.json(&json!({ "name": self.name, "identities": removed }))
                }
                OutputFormat::People => console
                    .line(&format!("removed {}; connected accounts: {removed}", plain(&self.name))),
            };
            Ok(said?)
        })
    }
}
