//! `authd doctor`: what keeps this deployment from being fit for production, each with its fix.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::config::{static_report, stored_providers};
use super::console::{Console, OutputFormat, lines};
use super::failure::Failure;
use super::log;
use crate::app;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::config::{Loaded, report};
use crate::doctor::{self, DoctorScope, Reach};
use crate::env::Env;
use crate::model::Email;
use crate::model::finding::{CheckReport, Severity};
use crate::outbound::{Authorities, NameServer};
use crate::store::ProcessRole;

/// Check the whole deployment and say how to fix what is wrong
///
/// Checks the configuration (as `authd config check`), the server from outside through
/// its public URL (proxies, certificate, clock), the mail server without sending anything, the
/// DNS records of the sender, files, disk, keys, backups and the database. Changes nothing. Exits
/// with 1 if a finding is an error, which is then the first in the list.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd doctor
      Check everything
  authd doctor --strict --json
      Check from a monitoring system: exit code 1 on warnings too
  authd doctor --to you@example.com --dkim-selector mail
      Also send a test message, and look up the DKIM key
  authd doctor --local
      Check only what is on this machine")]
pub struct DoctorCommand {
    /// Make no connections to other machines: neither the public URL, mail nor DNS
    #[arg(long)]
    local: bool,

    /// Exit with 1 if a finding is a warning, too
    #[arg(long)]
    strict: bool,

    /// Send a test message to this address
    #[arg(long, value_name = "ADDRESS", value_parser = crate::cli::global::email, conflicts_with = "local")]
    to: Option<Email>,

    /// Also trust the certificate authorities in this file (PEM) at the public URL
    #[arg(long, value_name = "FILE", conflicts_with = "local")]
    root: Option<PathBuf>,

    /// Look up the DKIM key with this selector (s= in the DKIM-Signature header of a received mail)
    #[arg(long, value_name = "NAME", conflicts_with = "local")]
    dkim_selector: Option<String>,
}

impl DoctorCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let loaded = opened::configuration(global, console)?;
        let level = log::level("error", global.verbose);
        let format = log::LineFormat::of_command(loaded.config.log.format);
        let _log = log::start(level, format, log::LineMark::None, console)?;
        let env = Env::real();
        let scope = DoctorScope {
            reach: if self.local { Reach::ThisMachine } else { Reach::Network },
            send_to: self.to,
            dkim_selector: self.dkim_selector,
            name_server: NameServer::of_system(&env),
            authorities: self.root.as_deref().map(authorities).transpose()?,
            env_file: global.env_file.clone(),
        };
        let mut found =
            static_report(&loaded, stored_providers(&loaded.config).unwrap_or_default());
        found.extend(opened::wait(examine(loaded, &env, &scope))?);
        found.sort();
        match console.form() {
            OutputFormat::Json => console.json(&found.to_json())?,
            OutputFormat::People => console.document(&lines(&text(&found)))?,
        }
        let is_fine = !found.has_error() && (!self.strict || found.count(Severity::Warning) == 0);
        if is_fine { Ok(()) } else { Err(Failure::reported()) }
    }
}

fn authorities(file: &Path) -> Result<Authorities, Failure> {
    Authorities::in_file(file)
        .map_err(|reason| Failure::failed(format_args!("{}: {reason}", file.display())))
}

async fn examine(loaded: Loaded, env: &Env, scope: &DoctorScope) -> CheckReport {
    let config = Arc::new(loaded.config);
    let mut found = doctor::examine_mail(&config, env, scope).await;
    match app::open(config, loaded.master_key, ProcessRole::Command, env.clone()).await {
        Ok(core) => found.extend(doctor::examine(&core, scope).await),
        Err(error) => found.error(
            "database",
            error.message().to_owned(),
            "docs/rescue.md says how to go on; before the first authd serve there is none",
        ),
    }
    found
}

fn text(found: &CheckReport) -> String {
    let mut text = report::findings_text(found);
    for passed in &found.passed {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "ok: {}: {}", passed.key, passed.message);
    }
    let count = |level, one: &str| match found.count(level) {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    let counts =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")]
            .map(|(level, one)| count(level, one));
    text + &counts.join(", ") + "\n"
}
