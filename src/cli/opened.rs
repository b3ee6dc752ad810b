//! Opens what a command needs: the effective configuration, and the core on the configured
//! database.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Builder;

use super::console::Console;
use super::failure::Failure;
use crate::api::needs;
use crate::app;
use crate::backup::restore::KeySource;
use crate::cli::global::Global;
use crate::cli::log;
use crate::config::{self, Config, Inputs, Loaded, Origin, Problems};
use crate::env::Env;
use crate::identity::Core;
use crate::identity::system::statistics;
use crate::model::{Database, Secret};
use crate::store::ProcessRole;

/// The configuration sources of this command line.
///
/// # Errors
/// `Usage` if a flag contains a secret or is not UTF-8.
pub fn inputs(global: &Global, listen: Option<String>) -> Result<Inputs, Failure> {
    let mut flags = global.set.clone();
    if let Some(db) = &global.db {
        flags.push(("db".to_owned(), text(db)?));
    }
    let named = [("profile", global.profile.clone()), ("listen", listen)];
    flags.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    if let Some((key, _)) = flags.iter().find(|(key, value)| config::is_secret(key, value)) {
        return Err(Failure::usage(
            "a secret in an argument can be read by every process on this machine",
        )
        .hint(if key == "db" {
            "set PGPASSWORD, put it into ~/.pgpass, or set the whole URL in AUTHD_DB or authd.toml"
        } else {
            "set it in the environment, like AUTHD_TOKENS__SECRET, or in a file"
        }));
    }
    Ok(Inputs {
        flags,
        env_file: global.env_file.clone(),
        file: global.config.clone(),
        needs_of_wire: Some(needs::unmet),
        ..Inputs::from_process()
    })
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::usage("--db expects a path that is UTF-8 text"))
}

/// Adds the profile recorded in the database, if there is a database.
pub fn recall_profile(inputs: &mut Inputs) -> Result<(), Failure> {
    let database = config::database(inputs).map_err(refused)?;
    inputs.recorded_profile = app::recorded_profile(&database)?;
    Ok(())
}

/// Loads the effective configuration.
pub fn load(inputs: &Inputs) -> Result<Loaded, Failure> {
    config::load(inputs).map_err(refused)
}

/// Problems that come only from flags are usage errors, all others are failures.
fn refused(problems: Problems) -> Failure {
    let is_flag = |origin: &Option<Origin>| matches!(origin, Some(Origin::Flag(_)));
    if problems.0.iter().all(|problem| is_flag(&problem.origin)) {
        Failure::usage(problems)
    } else {
        Failure::failed(problems)
    }
}

/// Loads the effective configuration and prints its warnings.
pub fn configuration(global: &Global, console: &mut Console) -> Result<Loaded, Failure> {
    let mut inputs = inputs(global, None)?;
    recall_profile(&mut inputs)?;
    let loaded = load(&inputs)?;
    for note in &loaded.notes {
        console.warning(note);
    }
    Ok(loaded)
}

/// Where the configured database is or was, for commands on a file that cannot be opened or is not
/// there.
pub struct DatabasePlace {
    pub database: Database,
    pub given_key: Option<Secret>,
}

impl DatabasePlace {
    /// The master key for a backup: the named file, `AUTHD_MASTER_KEY`, or the file beside the
    /// database.
    #[must_use]
    pub fn key(&self, named: Option<PathBuf>) -> Option<KeySource> {
        let beside = || Some(self.database.key_file()).filter(|file| file.exists());
        let given = || self.given_key.clone().map(KeySource::Given);
        named.map(KeySource::File).or_else(given).or_else(|| beside().map(KeySource::File))
    }
}

/// Finds the place of the database, without reading the database.
pub fn place(global: &Global) -> Result<DatabasePlace, Failure> {
    let inputs = inputs(global, None)?;
    let (database, given_key) = config::place(&inputs).map_err(refused)?;
    Ok(DatabasePlace { database, given_key })
}

/// The database that an argument names, with the password that is kept for it elsewhere.
pub fn database_named(global: &Global, named: String) -> Result<Database, Failure> {
    let mut inputs = inputs(global, None)?;
    inputs.flags.push(("db".to_owned(), named));
    config::database(&inputs).map_err(refused)
}

/// Opens the core and runs one command on it. A server may run on the same database.
pub fn with_core(
    global: &Global,
    console: &mut Console,
    work: impl AsyncFnOnce(&Core, &mut Console) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let loaded = configuration(global, console)?;
    run(loaded, ProcessRole::Command, global, console, work)
}

/// As [`with_core`], for a command that makes sense before the first `serve`: in an empty folder it
/// creates the database and its keys, as `serve` does.
pub fn with_core_or_new(
    global: &Global,
    console: &mut Console,
    work: impl AsyncFnOnce(&Core, &mut Console) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let loaded = configuration(global, console)?;
    let Config { database, profile, .. } = &loaded.config;
    let role = if database.exists() {
        ProcessRole::Command
    } else {
        console.note(&format!("creating {database} with profile {profile}"));
        ProcessRole::Server
    };
    run(loaded, role, global, console, work)
}

fn run(
    loaded: Loaded,
    role: ProcessRole,
    global: &Global,
    console: &mut Console,
    work: impl AsyncFnOnce(&Core, &mut Console) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let level = log::level("warn", global.verbose);
    let format = log::LineFormat::of_command(loaded.config.log.format);
    let _log = log::start(level, format, log::LineMark::None, console)?;
    wait(async {
        let core = app::open(Arc::new(loaded.config), loaded.master_key, role, Env::real()).await?;
        let done = work(&core, console).await;
        // What a command did counts as if the server had done it.
        if let Err(error) = statistics::write(&core).await {
            tracing::warn!(error = error.chain(), "what was done is not in the statistics");
        }
        done
    })?
}

/// Runs a future on this thread.
pub fn wait<F: Future>(work: F) -> Result<F::Output, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::failed(format_args!("the event loop could not start: {error}"))
    })?;
    Ok(runtime.block_on(work))
}
