//! `authd restore`: puts a backup where there is no database.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use super::{backup, long_work};
use crate::backup::restore::PutBack;
use crate::backup::{check, restore};
use crate::cli::global::Global;
use crate::cli::opened;
use crate::env::Env;

/// Restore the database from a backup
///
/// The backup is checked completely first. An existing database is never replaced. Everybody has to
/// log in again: sessions, links in mail and codes of the backup end, because they may have been
/// ended or used since, and mail that it had not sent is dropped. The master key must be there:
/// authd.key beside the database, --key-file, or `AUTHD_MASTER_KEY`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd restore /backup/authd-monday.db --key-file /safe/authd.key
      Restore to authd.db in this folder, and put the key beside it
  authd restore monday.db --db /var/lib/authd/authd.db
      Restore to another place, where authd.key is already
  authd restore monday.db.age --identity key.txt
      Restore an encrypted backup")]
pub struct DatabaseRestore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The file with the master key; it is copied beside the database
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// The file with the age identity that decrypts the backup; may be repeated
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

impl DatabaseRestore {
    /// Restores the backup.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        check::look(&self.file)?;
        let place = opened::place(global)?;
        let Some(key) = place.key(self.key_file) else {
            return Err(Failure::failed(format_args!(
                "the master key of the backup is needed: expected {}",
                place.database.key_file().display()
            ))
            .hint("name it with --key-file; authd backup verify says which key a backup needs"));
        };
        let identities = backup::identities(&self.identity)?;
        let (database, env, file) = (place.database.clone(), Env::real(), self.file);
        let put = opened::wait(long_work::run(&env.clone(), move |progress| {
            restore::restore(&file, &identities, &database, &key, &env, progress)
        }))??;
        report(&put, &place.database.to_string(), console)
    }
}

/// Prints what was put back, and what ended.
pub fn report(put: &PutBack, database: &str, console: &mut Console) -> Result<(), Failure> {
    let ended = &put.ended;
    let mut lines = vec![("database", database.to_owned())];
    lines.extend(backup::described(&put.contents));
    lines.extend([
        (
            "ended",
            format!("sessions: {}, links: {}, codes: {}", ended.sessions, ended.links, ended.codes),
        ),
        ("dropped", format!("messages: {}", ended.messages)),
    ]);
    let mut json = backup::as_json(&put.contents);
    json["database"] = database.into();
    json["ended"] = serde_json::json!({
        "sessions": ended.sessions, "links": ended.links, "codes": ended.codes, "messages": ended.messages,
    });
    json["setAside"] =
        put.aside.iter().map(|path| Value::from(path.display().to_string())).collect();
    console.details(&lines, &json)?;
    if console.form() == OutputFormat::People {
        for path in &put.aside {
            console.note(&format!("what was there is now {}", path.display()));
        }
    }
    Ok(())
}
