//! `authd role`: roles and their permissions.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{Console, ListRecord, OutputFormat, plain};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::cli::prompt;
use crate::error::{Detail, Error};
use crate::identity::admin::roles;
use crate::identity::{By, Core, FreshBy};

/// List, create and change roles
///
/// Use `authd user role` to give roles to accounts. Changes take effect at once, also on a running
/// server that uses the same database.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    List(RoleList),
    Create(RoleCreate),
    Grant(RoleGrant),
    Withdraw(Withdraw),
    Delete(RoleDelete),
}

/// List roles and their permissions
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd role list
      List all roles, built-in ones and your own")]
pub struct RoleList {}

/// Create a role
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd role create support --permission admin.users.read --permission admin.audit
      Create a read-only role
  authd role create editor --permission posts.write
      Create a role with a permission of your own app")]
pub struct RoleCreate {
    /// The name of the role
    #[arg(value_name = "ROLE")]
    role: String,

    /// A permission of the role; may be repeated
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
}

/// Add permissions to a role
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd role grant support admin.mail
      Let the role support see the outbox too")]
pub struct RoleGrant {
    /// The role
    #[arg(value_name = "ROLE")]
    role: String,

    /// Permissions to add
    #[arg(value_name = "PERMISSION", required = true)]
    permissions: Vec<String>,
}

/// Remove permissions from a role
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd role withdraw support admin.mail
      Hide the outbox from the role support")]
pub struct Withdraw {
    /// The role
    #[arg(value_name = "ROLE")]
    role: String,

    /// Permissions to remove
    #[arg(value_name = "PERMISSION", required = true)]
    permissions: Vec<String>,
}

/// Delete a role and remove it from all accounts
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd role delete support
      Remove the role from all accounts and delete it, after confirmation
  authd role delete support --yes
      Delete it from a script")]
pub struct RoleDelete {
    /// The role
    #[arg(value_name = "ROLE")]
    role: String,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl RoleCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        if let RoleCommand::Delete(RoleDelete { yes: false, .. }) = &self {
            prompt::require_terminal()?;
        }
        let by = By::command_line();
        opened::with_core(global, console, async |core, console| match self {
            RoleCommand::List(RoleList {}) => {
                let roles = roles::list(core).await?;
                Ok(console.records(&roles.iter().map(RoleRow).collect::<Vec<_>>())?)
            }
            RoleCommand::Create(command) => tell(
                console,
                "created",
                &roles::create(core, &by, &command.role, command.permissions).await?,
            ),
            RoleCommand::Grant(command) => tell(
                console,
                "changed",
                &roles::grant(core, &by, &command.role, command.permissions).await?,
            ),
            RoleCommand::Withdraw(command) => tell(
                console,
                "changed",
                &roles::withdraw(core, &by, &command.role, command.permissions).await?,
            ),
            RoleCommand::Delete(command) => {
                let role = find(core, &command.role).await?;
                if !command.yes {
                    prompt::confirm(&format!(
                        "Delete the role {} and take it from {} accounts?",
                        plain(&role.name),
                        members(&role)
                    ))?;
                }
                roles::delete(core, &FreshBy::command_line(), &role.name).await?;
                tell(console, "deleted", &role)
            }
        })
    }
}

async fn find(core: &Core, name: &str) -> Result<roles::Role, Failure> {
    let role = roles::list(core).await?.into_iter().find(|role| role.name == name);
    Ok(role.ok_or_else(|| Error::from(Detail::UnknownRole(name.to_owned())))?)
}

/// Reports a change to a role.
fn tell(console: &mut Console, done: &str, role: &roles::Role) -> Result<(), Failure> {
    let permissions = role.permissions.join(", ");
    let said = match console.form() {
        OutputFormat::Json => console.json(&RoleRow(role).json()),
        OutputFormat::People => console.line(&format!("{done} {} ({permissions})", role.name)),
    };
    Ok(said?)
}

/// How many accounts have a role.
fn members(role: &roles::Role) -> String {
    format!("{}{}", role.members, if role.has_more_members { "+" } else { "" })
}

/// A role in a list.
struct RoleRow<'a>(&'a roles::Role);

impl ListRecord for RoleRow<'_> {
    const HEADINGS: &'static [&'static str] = &["ROLE", "BUILT IN", "MEMBERS", "PERMISSIONS"];

    fn cells(&self) -> Vec<String> {
        let role = self.0;
        let built_in = if role.built_in { "yes" } else { "no" };
        vec![role.name.clone(), built_in.to_owned(), members(role), role.permissions.join(" ")]
    }

    fn json(&self) -> Value {
        let role = self.0;
        json!({
            "name": role.name,
            "builtIn": role.built_in,
            "members": role.members,
            "moreMembers": role.has_more_members,
            "permissions": role.permissions,
            "createdAt": role.created_at.to_millis_text(),
        })
    }
}
