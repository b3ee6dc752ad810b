//! `authd rollback`: puts the copy made before an upgrade back.

use clap::Args;

use super::console::Console;
use super::failure::Failure;
use super::{long_work, prompt, restore};
use crate::backup::rollback;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::env::Env;

/// Undo the upgrade of the database
///
/// Before a new version upgrades the database, it copies it to authd.db.v<version>-<time>.bak. This puts
/// the newest copy back, with the same care as `authd restore`: it is checked first, and its sessions,
/// links and codes end. The upgraded database is kept under another name, with everything that was
/// written since. Stop the server first, and start the earlier version of authd afterwards: this one
/// would upgrade the database again.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd rollback
      Put the copy back after confirmation
  authd rollback --db /var/lib/authd/authd.db --yes
      Put it back from a script")]
pub struct Rollback {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Rollback {
    /// Puts the copy back.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let place = opened::place(global)?;
        let copy = rollback::newest_copy(&place.database)?;
        if !self.yes {
            prompt::confirm(&format!(
                "Put back the copy of {} (schema version {})? What was written since is set aside.",
                copy.made, copy.schema
            ))?;
        }
        let master = place.key(None).map(|key| key.load()).transpose()?;
        let (database, env) = (place.database.clone(), Env::real());
        let put = opened::wait(long_work::run(&env.clone(), move |progress| {
            rollback::put_back(&copy, &database, master.as_ref(), &env, progress)
        }))??;
        restore::report(&put, &place.database.to_string(), console)?;
        console
            .note("start the earlier version of authd: this one would upgrade the database again");
        Ok(())
    }
}
