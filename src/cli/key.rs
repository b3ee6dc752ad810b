//! `authd key`: the keys that sign tokens.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::{Console, ListRecord};
use super::failure::Failure;
use crate::app::lost_key::replace_master_key;
use crate::cli::global::Global;
use crate::cli::long_work;
use crate::cli::opened;
use crate::cli::prompt;
use crate::env::Env;
use crate::identity::system::key;
use crate::identity::system::key::KeySummary;
use crate::identity::{Core, FreshBy};
use crate::model::Time;
use crate::token::{Begin, Old, Rotation};

/// List and rotate the keys that sign tokens
///
/// A running server on the same database uses the new keys from its next request on.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    List(KeyList),
    Rotate(KeyRotate),
    ReplaceMaster(ReplaceMaster),
}

/// List the signing keys, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd key list
      Show which key signs, which one is next and which ones still verify
  authd key list --json
      Print the list as JSON")]
pub struct KeyList {}

/// Create a new signing key
///
/// The new key is published at once and signs after a lead time (tokens.lead), so that services
/// that cache the public keys have it by then. The old key verifies tokens until the last one has
/// expired.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd key rotate
      Rotate the keys without any effect on users
  authd key rotate --now
      Sign with the new key at once
  authd key rotate --revoke
      Revoke a leaked key, and every token issued so far, after confirmation
  authd key rotate --revoke --yes
      Revoke it from a script")]
pub struct KeyRotate {
    /// Sign with the new key at once
    #[arg(long)]
    now: bool,

    /// Revoke the old keys, including those of refresh tokens: all users have to log in again
    #[arg(long)]
    revoke: bool,

    /// Do not ask for confirmation of --revoke
    #[arg(long)]
    yes: bool,
}

/// Give the database another master key, because every copy of its own is lost
///
/// Accounts, passwords, passkeys, roles and the audit log stay. What was sealed is lost: signing keys,
/// which are made again, mail that waits, the secrets of authenticator apps, backup codes, and the secrets
/// and kept tokens of providers. Everybody logs in again. Accounts with an authenticator app still need it, and it gives no right code any more:
/// remove it with `authd user mfa-reset` when you know who asks. The database from before is kept beside
/// the new one, in case the key is found. Stop the server first.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd key replace-master
      Make another master key, after confirmation
  authd key replace-master --yes
      Make it from a script")]
pub struct ReplaceMaster {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl ReplaceMaster {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let place = opened::place(global)?;
        if !self.yes {
            prompt::confirm("Give up what was sealed under the lost master key?")?;
        }
        let (database, env) = (place.database.clone(), Env::real());
        let replaced = opened::wait(long_work::run(&env.clone(), move |progress| {
            replace_master_key(&database, place.given_key.as_ref(), &env, progress)
        }))??;
        let ended = &replaced.ended;
        let lines = [
            ("master key", replaced.key_id.clone()),
            (
                "lost",
                format!(
                    "{} authenticator apps, {} backup codes, {} messages, {} secrets and {} tokens of providers",
                    replaced.authenticators,
                    replaced.backup_codes,
                    ended.messages,
                    replaced.provider_secrets,
                    replaced.provider_tokens
                ),
            ),
            (
                "ended",
                format!(
                    "sessions: {}, links: {}, codes: {}",
                    ended.sessions, ended.links, ended.codes
                ),
            ),
        ];
        let aside = replaced.aside.iter().map(|path| path.display().to_string());
        let json = json!({
            "masterKey": replaced.key_id,
            "lost": {
                "authenticators": replaced.authenticators,
                "backupCodes": replaced.backup_codes,
                "messages": ended.messages,
                "providerSecrets": replaced.provider_secrets,
                "providerTokens": replaced.provider_tokens,
            },
            "ended": { "sessions": ended.sessions, "links": ended.links, "codes": ended.codes },
            "setAside": aside.collect::<Vec<_>>(),
        });
        Ok(console.details(&lines, &json)?)
    }
}

impl KeyCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            KeyCommand::List(_) => {
                opened::with_core(global, console, async |core, console| list(core, console).await)
            }
            KeyCommand::ReplaceMaster(command) => command.run(global, console),
            KeyCommand::Rotate(command) => {
                if command.must_ask() {
                    prompt::require_terminal()?;
                }
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
        }
    }
}

async fn list(core: &Core, console: &mut Console) -> Result<(), Failure> {
    let keys = key::list(core).await?;
    Ok(console.records(&keys.iter().map(KeyRow).collect::<Vec<_>>())?)
}

impl KeyRotate {
    fn must_ask(&self) -> bool {
        self.revoke && !self.yes
    }

    async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        if self.must_ask() {
            prompt::confirm("Revoke all keys, and log out all users?")?;
        }
        let rotation = Rotation {
            begin: if self.now { Begin::AtOnce } else { Begin::AfterLead },
            old: if self.revoke { Old::Die } else { Old::Expire },
        };
        let id = key::rotate(core, &FreshBy::command_line(), rotation).await?;
        let keys = key::list(core).await?;
        let made = keys.iter().find(|key| key.id == id);
        if let Some(key) = made {
            let when = if self.now || self.revoke {
                "at once".to_owned()
            } else {
                format!("from {}", key.signs_from)
            };
            console.note(&format!("the new key {id} signs tokens {when}"));
        }
        if self.revoke {
            console.note("all access and refresh tokens issued before are revoked");
        }
        Ok(console.records(&keys.iter().map(KeyRow).collect::<Vec<_>>())?)
    }
}

/// A key in a list.
struct KeyRow<'a>(&'a KeySummary);

impl ListRecord for KeyRow<'_> {
    const HEADINGS: &'static [&'static str] =
        &["ID", "ALGORITHM", "USE", "CREATED", "SIGNS FROM", "VERIFIES UNTIL"];

    fn cells(&self) -> Vec<String> {
        let key = self.0;
        vec![
            key.id.clone(),
            key.algorithm.clone(),
            key.used_for.as_str().to_owned(),
            key.created_at.to_string(),
            key.signs_from.to_string(),
            key.verifies_until.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        ]
    }

    fn json(&self) -> Value {
        let key = self.0;
        json!({
            "id": key.id,
            "algorithm": key.algorithm,
            "use": key.used_for.as_str(),
            "createdAt": key.created_at.to_millis_text(),
            "signsFrom": key.signs_from.to_millis_text(),
            "verifiesUntil": key.verifies_until.map(Time::to_millis_text),
        })
    }
}
