//! What a command works with: the effective configuration, and the core on the database that it names.

use std::sync::Arc;

use tokio::runtime::Builder;

use super::console::Console;
use super::failure::Failure;
use super::{Global, log};
use crate::app;
use crate::config::Config;
use crate::env::Env;
use crate::identity::Core;
use crate::model::Secret;
use crate::store::sqlite::Role;

pub struct Loaded {
    pub config: Arc<Config>,
    pub master_key: Option<Secret>,
}

pub fn load(global: &Global, listen: Option<String>) -> Result<Loaded, Failure> {
    let _ = (global, listen);
    Err(Failure::failed("x"))
}

/// Opens everything and runs one command on it.
pub fn with_core(
    global: &Global,
    console: &mut Console,
    work: impl AsyncFnOnce(&Core, &mut Console) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let loaded = load(global, None)?;
    log::start(log::level("warn", global.verbose), loaded.config.log.format, console);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format_args!("the system gives no event loop: {error}")))?;
    runtime.block_on(async {
        let core = app::open(loaded.config, loaded.master_key, Role::Command, Env::real()).await?;
        work(&core, console).await
    })
}
