//! `authd user`: shows and changes accounts with the rights of the machine's administrator.

mod export;
mod import;
mod import_text;
mod rows;
mod sessions;
mod view;

use clap::{Args, Subcommand, ValueEnum};

use super::console::{Console, plain};
use super::failure::Failure;
use super::prompt::{self, PasswordFrom};
use crate::cli::global::Global;
use crate::cli::global::email;
use crate::cli::opened;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::admin::accounts;
use crate::identity::admin::accounts::{AccountFilter, AccountWithRoles, NewEntry, RoleChange};
use crate::identity::{By, Core, FreshBy};
use crate::model::{Email, Username, text};
use view::AccountView;

/// The largest number of characters in a given or family name.
const LONGEST_NAME: usize = 100;

/// How many accounts are read at a time.
const PAGE: usize = 500;

/// Create, show and change accounts
///
/// USER is an e-mail address, username or id. Changes take effect at once, also on a running server
/// that uses the same database.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    Create(UserCreate),
    List(UserList),
    Show(UserShow),
    SetPassword(SetPassword),
    Verify(Verify),
    Role(UserRole),
    Lock(UserLock),
    Unlock(Unlock),
    Delete(UserDelete),
    Restore(sessions::Restore),
    Sessions(sessions::UserSessions),
    Revoke(sessions::Revoke),
    MfaReset(sessions::MfaReset),
    Import(import::UserImport),
    Export(export::UserExport),
}

/// Create an account
///
/// The command prompts for the password on the terminal, or reads it from standard input with
/// --password-stdin. Before the first `authd serve` it creates the database.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user create --email you@example.com --role admin --verified
      Create the first admin; prompts for the password
  authd user create --email app@example.com --username app --password-stdin < password.txt
      Create an account from a script")]
pub struct UserCreate {
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    email: Email,

    /// The username
    #[arg(long, value_name = "NAME", value_parser = username)]
    username: Option<Username>,

    /// The given name
    #[arg(long, value_name = "NAME", value_parser = own_name)]
    first_name: Option<String>,

    /// The family name
    #[arg(long, value_name = "NAME", value_parser = own_name)]
    last_name: Option<String>,

    /// A role besides the default one; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,

    /// Mark the address as verified, without a mail
    #[arg(long)]
    verified: bool,

    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// List accounts, ordered by id
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user list --status suspended
      Show which accounts an administrator has suspended
  authd user list --search jo --limit 20
      Show the first 20 whose address, username or name contains `jo`
  authd user list --limit 0 --json | jq -r '.[].email'
      Print the addresses of all accounts")]
pub struct UserList {
    /// Only accounts with this status
    #[arg(long, value_enum)]
    status: Option<StatusWord>,

    /// Only accounts whose address, username or name contains this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    /// At most this many; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,

    /// Only accounts after the one with this id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StatusWord {
    Active,
    Pending,
    Suspended,
    Deleted,
}

impl StatusWord {
    fn word(self) -> &'static str {
        match self {
            StatusWord::Active => "active",
            StatusWord::Pending => "pending",
            StatusWord::Suspended => "suspended",
            StatusWord::Deleted => "deleted",
        }
    }
}

/// Show all details of an account, without its secrets
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user show jane@example.com
      Show status, roles, sessions and dates")]
pub struct UserShow {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

/// Set the password of an account and end its sessions
///
/// The command prompts for the password on the terminal, or reads it from standard input with
/// --password-stdin.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user set-password jane@example.com
      Set it; prompts for the password
  authd user set-password jane@example.com --password-stdin < password.txt
      Set it from a script")]
pub struct SetPassword {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,

    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Mark the e-mail address of an account as verified
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user verify jane@example.com
      Let her log in without following the link in the mail")]
pub struct Verify {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

/// Give roles to an account, and take them away
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user role jane@example.com --give moderator
      Let her view and suspend accounts
  authd user role jane@example.com --give admin --take moderator
      Make her an admin instead")]
pub struct UserRole {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,

    /// Give this role; may be repeated
    #[arg(long, value_name = "ROLE", required_unless_present = "take")]
    give: Vec<String>,

    /// Take this role away; may be repeated
    #[arg(long, value_name = "ROLE")]
    take: Vec<String>,
}

/// Suspend an account and end its sessions
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user lock jane@example.com
      Block her account until `authd user unlock`")]
pub struct UserLock {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

/// End a suspension, and lift what wrong passwords and codes have closed
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user unlock jane@example.com
      Let her log in again; sessions that were ended stay ended")]
pub struct Unlock {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

/// Delete an account
///
/// The account is hidden at once and erased after 30 days. An account with an unverified address is
/// erased at once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user delete jane@example.com
      Delete it after confirmation
  authd user delete jane@example.com --yes
      Delete it from a script")]
pub struct UserDelete {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

fn username(text: &str) -> Result<Username, String> {
    Username::parse(text).ok_or_else(|| {
        "expected 3 to 50 letters, digits, underscores, hyphens and inner dots".to_owned()
    })
}

fn own_name(text: &str) -> Result<String, String> {
    let fits =
        (1..=LONGEST_NAME).contains(&text::length(text)) && !text.chars().any(text::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("expected 1 to {LONGEST_NAME} characters on one line"))
    }
}

impl UserCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            UserCommand::Create(command) => command.run(global, console),
            UserCommand::List(command) => {
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
            UserCommand::Show(command) => {
                opened::with_core(global, console, async |core, console| {
                    let entry = accounts::find(core, &command.user).await?;
                    Ok(AccountView::of(core, &entry).await?.whole(console)?)
                })
            }
            UserCommand::SetPassword(command) => command.run(global, console),
            UserCommand::Verify(command) => {
                change(global, console, "verified", async |core, by| {
                    Ok(accounts::verify(core, by, &command.user).await?)
                })
            }
            UserCommand::Role(command) => {
                change(global, console, "changed", async |core, by| command.run(core, by).await)
            }
            UserCommand::Lock(command) => change(global, console, "locked", async |core, by| {
                Ok(accounts::suspend(core, by, &command.user).await?)
            }),
            UserCommand::Unlock(command) => {
                change(global, console, "unlocked", async |core, by| {
                    Ok(accounts::reinstate(core, by, &command.user).await?)
                })
            }
            UserCommand::Delete(command) => command.run(global, console),
            UserCommand::Restore(command) => command.run(global, console),
            UserCommand::Sessions(command) => command.run(global, console),
            UserCommand::Revoke(command) => command.run(global, console),
            UserCommand::MfaReset(command) => command.run(global, console),
            UserCommand::Import(command) => {
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
            UserCommand::Export(command) => {
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
        }
    }
}

/// Opens the database, makes one change and prints the changed account.
fn change(
    global: &Global,
    console: &mut Console,
    done: &str,
    work: impl AsyncFnOnce(&Core, &By) -> Result<AccountWithRoles, Failure>,
) -> Result<(), Failure> {
    opened::with_core(global, console, async |core, console| {
        let entry = work(core, &By::command_line()).await?;
        Ok(AccountView::of(core, &entry).await?.changed(done, console)?)
    })
}

fn asked_from(stdin: bool) -> PasswordFrom {
    if stdin { PasswordFrom::Stdin } else { PasswordFrom::Terminal }
}

impl UserCreate {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let from = asked_from(self.password_stdin);
        prompt::need_source(from)?;
        opened::with_core_or_new(global, console, async |core, console| {
            let password = prompt::new_password(from)?;
            let account = NewAccount {
                username: self.username,
                first_name: self.first_name,
                last_name: self.last_name,
                ..NewAccount::new(self.email, password)
            };
            let new = NewEntry { account, roles: self.roles, verified: self.verified };
            let entry = accounts::create(core, &By::command_line(), new).await?;
            Ok(AccountView::of(core, &entry).await?.changed("created", console)?)
        })
    }
}

impl SetPassword {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let from = asked_from(self.password_stdin);
        prompt::need_source(from)?;
        opened::with_core(global, console, async |core, console| {
            let before = accounts::find(core, &self.user).await?.account;
            let password = prompt::new_password(from)?;
            let entry =
                accounts::set_password(core, &By::command_line(), before.id.as_str(), password)
                    .await?;
            Ok(AccountView::of(core, &entry)
                .await?
                .changed("set the password and ended the sessions of", console)?)
        })
    }
}

impl UserList {
    async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        let filter = AccountFilter {
            status: self.status.map(|status| status.word().to_owned()),
            search: self.search,
        };
        let mut left = if self.limit == 0 { usize::MAX } else { self.limit };
        let mut after = self.after;
        let mut list = console.list();
        while left > 0 {
            let size = left.min(PAGE);
            let page = accounts::list(
                core,
                &filter,
                after.as_deref(),
                i64::try_from(size).unwrap_or(i64::MAX),
            )
            .await?;
            list.page(&AccountView::all(core, &page).await?)?;
            left -= page.len();
            if page.len() < size {
                return Ok(list.end()?);
            }
            after = page.last().map(|entry| entry.account.id.as_str().to_owned());
        }
        list.end()?;
        let next = after.unwrap_or_default();
        if !accounts::list(core, &filter, Some(&next), 1).await?.is_empty() {
            console.note(&format!(
                "there are more accounts: continue with --after {next}, or show all with --limit 0"
            ));
        }
        Ok(())
    }
}

impl UserRole {
    async fn run(self, core: &Core, by: &By) -> Result<AccountWithRoles, Failure> {
        let given = self.give.into_iter().map(|role| (RoleChange::Give, role));
        let changes =
            given.chain(self.take.into_iter().map(|role| (RoleChange::Take, role))).collect();
        Ok(accounts::change_roles(core, by, &self.user, changes).await?)
    }
}

impl UserDelete {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        if !self.yes {
            prompt::require_terminal()?;
        }
        change(global, console, "deleted", async |core, _| {
            let before = accounts::find(core, &self.user).await?.account;
            if !self.yes {
                prompt::confirm(&format!(
                    "Delete the account {} ({})?",
                    plain(&before.label()),
                    before.id
                ))?;
            }
            Ok(accounts::delete(core, &FreshBy::command_line(), before.id.as_str()).await?)
        })
    }
}
