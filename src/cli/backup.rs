//! `authd backup`: copies the database into one file, and checks such files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::console::Console;
use super::failure::Failure;
use super::long_work::{self, megabytes};
use crate::backup::write::BackupOrder;
use crate::backup::{self, BackupContents, age, check, folder_of, write};
use crate::cli::global::Global;
use crate::cli::opened;
use crate::env::Env;
use crate::identity::Core;
use crate::identity::system::backup::record;
use crate::model::{AgeIdentity, AgeRecipient};

/// Back up the database into one file
///
/// Works while the server runs, and does not delay it. The file has mode 0600, is compact and has
/// nothing in it that was deleted. It is checked before it gets its name: every page and index, and
/// that the master key opens the keys in it. The master key is not in it: keep authd.key in another
/// place.
///
/// An encrypted backup is in the format of age (age-encryption.org): `age --decrypt` opens it
/// too. Until it is encrypted, the copy is next to the database.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  authd backup /backup/authd-monday.db
      Copy the database while the server runs
  authd backup monday.db.age --encrypt-to age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa
      Encrypt the copy for the owner of an age key, which `age-keygen` makes
  authd backup verify /backup/authd-monday.db
      Check a backup"
)]
pub struct Backup {
    /// The new file; an existing one is not replaced
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,

    /// Encrypt the backup for this recipient (age1…); may be repeated
    #[arg(long, value_name = "RECIPIENT", value_parser = recipient)]
    encrypt_to: Vec<AgeRecipient>,

    #[command(subcommand)]
    command: Option<BackupCommand>,
}

fn recipient(text: &str) -> Result<AgeRecipient, String> {
    AgeRecipient::parse(text).ok_or_else(|| format!("expected {}", AgeRecipient::FORM))
}

#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    Verify(BackupVerify),
}

/// Check that a backup is whole, and which master key opens it
///
/// Reads the whole file. If the master key is there (`AUTHD_MASTER_KEY`, --key-file, or the key of the
/// configured database), it must open the keys in the backup.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd backup verify /backup/authd-monday.db
      Check it with the master key of this database
  authd backup verify monday.db --key-file authd.key --json
      Check it on another machine, and print what it contains as JSON
  authd backup verify monday.db.age --identity key.txt
      Check an encrypted backup; it is decrypted into a file next to the database meanwhile")]
pub struct BackupVerify {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The file with the master key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// The file with the age identity that decrypts the backup; may be repeated
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

impl Backup {
    /// Makes or checks a backup.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match (self.command, self.file) {
            (Some(BackupCommand::Verify(command)), _) => command.run(global, console),
            (None, Some(file)) => opened::with_core(global, console, async |core, console| {
                make(core, file, self.encrypt_to, console).await
            }),
            (None, None) => Err(Failure::usage("expected the name of a new file")),
        }
    }
}

/// Reads all identities that were named.
pub fn identities(files: &[PathBuf]) -> Result<Vec<AgeIdentity>, Failure> {
    let read = files.iter().map(|file| age::identities(file)).collect::<Result<Vec<_>, _>>()?;
    Ok(read.into_iter().flatten().collect())
}

async fn make(
    core: &Core,
    file: PathBuf,
    encrypt_to: Vec<AgeRecipient>,
    console: &mut Console,
) -> Result<(), Failure> {
    let warning = backup::key_warning(&core.config.database, &folder_of(&file));
    if let Some(warning) = warning.filter(|_| encrypt_to.is_empty()) {
        console.warning(&warning);
    }
    if let Some(warning) = backup::open_folder_warning(&folder_of(&file)) {
        console.warning(&warning);
    }
    let (store, master, env) = (core.store.clone(), core.master.clone(), core.env.clone());
    let is_encrypted = !encrypt_to.is_empty();
    let scratch = core.config.database.scratch_file();
    let order = BackupOrder { target: file.clone(), encrypt_to, scratch };
    let made = long_work::run(&core.env, move |progress| {
        write::write(&store, &master, &order, &env, progress)
    })
    .await?;
    record(core, &file).await.map_err(|error| {
        Failure::failed(format_args!(
            "{} is complete, but the audit log has no record of it: {}",
            file.display(),
            Failure::from(error).message()
        ))
    })?;
    let mut lines = vec![("file", file.display().to_string()), ("size", megabytes(made.size))];
    lines.extend(described(&made.contents));
    let mut json = as_json(&made.contents);
    json["file"] = file.display().to_string().into();
    json["bytes"] = made.size.into();
    json["encrypted"] = is_encrypted.into();
    Ok(console.details(&lines, &json)?)
}

impl BackupVerify {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        check::look(&self.file)?;
        let place = opened::place(global)?;
        let master = match place.key(self.key_file) {
            Some(source) => Some(source.load()?),
            None => None,
        };
        let identities = identities(&self.identity)?;
        let scratch = place.database.scratch_file();
        let (file, env) = (self.file, Env::real());
        let shown = file.display().to_string();
        let contents = opened::wait(long_work::run(&env, move |progress| {
            check::check(&file, &identities, &scratch, master.as_ref(), progress)
        }))??;
        if contents.opened.is_none() {
            let id = contents.key_id.as_deref().unwrap_or("of its server");
            console.warning(&format!(
                "the master key is not here, so the keys in the backup were not opened: it needs {id}"
            ));
        }
        let mut lines = vec![("file", shown.clone())];
        lines.extend(described(&contents));
        let mut json = as_json(&contents);
        json["file"] = shown.into();
        Ok(console.details(&lines, &json)?)
    }
}

/// What a backup contains, for people.
pub fn described(contents: &BackupContents) -> Vec<(&'static str, String)> {
    vec![
        ("accounts", contents.accounts.to_string()),
        ("newest record", contents.newest.map_or_else(|| "-".to_owned(), |at| at.to_string())),
        ("schema", contents.schema.to_string()),
        ("master key", contents.key_id.clone().unwrap_or_else(|| "-".to_owned())),
    ]
}

/// What a backup contains, for programs.
pub fn as_json(contents: &BackupContents) -> Value {
    json!({
        "accounts": contents.accounts,
        "newestRecord": contents.newest.map(crate::model::Time::to_millis_text),
        "schema": contents.schema,
        "masterKey": contents.key_id,
        "openedKeys": contents.opened,
    })
}
