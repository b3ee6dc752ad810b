//! `authd migrate`: moves the database to PostgreSQL, or back to a file.

use clap::Args;
use serde_json::json;

use super::console::{Console, OutputFormat};
use super::failure::Failure;
use crate::backup::migrate;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::config;
use crate::env::Env;

/// Move the database to PostgreSQL, or back to a file
///
/// Copies every row to an empty database and compares it. Sessions, tokens, links and ids stay valid. Stop
/// the server first. Afterwards the database is marked as moved: no server and no command uses it any more.
/// If the migration is interrupted, run it again: it continues where it was. The master key stays the same:
/// the server needs it at the new place too.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd migrate --to postgres://authd@db.example.com/authd
      Move authd.db to PostgreSQL; the password comes from PGPASSWORD or ~/.pgpass
  authd migrate --db postgres://authd@db.example.com/authd --to /var/lib/authd/authd.db
      Move it back to a file
  authd migrate --abandon
      Use authd.db again after a migration that did not complete")]
pub struct Migrate {
    /// The empty database: a file, or `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "DATABASE", required_unless_present = "abandon")]
    to: Option<String>,

    /// Keep the database that was to be moved
    #[arg(long, conflicts_with = "to")]
    abandon: bool,
}

impl Migrate {
    /// Moves the database.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let from = opened::place(global)?.database;
        let env = Env::real();
        let Some(to) = self.to else {
            return if opened::wait(migrate::abandon(&from, &env))?? {
                console.note(&format!("{from} can be used again; do not use the copy"));
                Ok(())
            } else {
                Err(Failure::failed(format_args!("{from} is not marked as moved")))
            };
        };
        if config::is_secret("db", &to) {
            return Err(Failure::usage(
                "a password in an argument can be read by every process on this machine",
            )
            .hint("set PGPASSWORD, or put it into ~/.pgpass"));
        }
        let to = opened::database_named(global, to)?;
        let is_json = console.form() == OutputFormat::Json;
        let moving = migrate::migrate(&from, &to, &env, |table| {
            tracing::info!(table = table.name, rows = table.rows, "compared");
        });
        let moved = opened::wait(moving)??;
        if is_json {
            let tables = moved.iter().map(|table| (table.name.to_owned(), json!(table.rows)));
            let tables: serde_json::Map<_, _> = tables.collect();
            return Ok(console.json(&json!({ "to": to.to_string(), "tables": tables }))?);
        }
        let rows: u64 = moved.iter().map(|table| table.rows).sum();
        console.line(&format!("Moved {rows} rows of {} tables to {to}", moved.len()))?;
        console.note(&format!(
            "start the server with --db {to}, and with the same master key: AUTHD_MASTER_KEY or {}",
            to.key_file().display()
        ));
        Ok(())
    }
}
