//! `authd config`: the effective configuration and its origins, and a check of what a production
//! deployment still lacks.

use std::sync::Arc;

use clap::{Args, Subcommand};

use super::console::{Console, OutputFormat, lines};
use super::failure::Failure;
use crate::api::needs;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::config::{self, CheckReport, Config, Finding, Loaded, Severity, report};
use crate::env::Env;
use crate::mail::templates::Templates;
use crate::model::Secret;
use crate::model::provider::{ProviderKeys, ProviderSettings};
use crate::store::{Store, tables};
use crate::words::Catalogue;

/// Show and check the configuration
///
/// Flags override the environment (`AUTHD_LISTEN`, `AUTHD_MAIL__SMTP_URL`), which overrides the
/// file (authd.toml), which overrides the preset, which overrides the built-in defaults.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    Show(ConfigShow),
    Check(ConfigCheck),
}

/// Show every effective value and where it came from; secrets are masked
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd config show
      Show all keys
  authd config show tokens
      Show one section
  AUTHD_LISTEN=0.0.0.0:80 authd config show server.listen
      Show the effect of a variable")]
pub struct ConfigShow {
    /// Only this key, or the keys of this section
    #[arg(value_name = "KEY")]
    key: Option<String>,
}

/// Check what a production deployment still lacks
///
/// Exits with 1 if a finding is an error.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd config check
      Check the effective configuration in this folder
  authd config check --config /etc/authd.toml --json
      Check a file from a script")]
pub struct ConfigCheck {}

impl ConfigCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            ConfigCommand::Show(command) => command.run(global, console),
            ConfigCommand::Check(_) => check(global, console),
        }
    }
}

impl ConfigShow {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let loaded = opened::configuration(global, console)?;
        let mut entries = report::show(&loaded).to_vec();
        if let Some(key) = &self.key {
            entries.retain(|entry| is_within(&entry.key, key));
            if entries.is_empty() {
                return Err(Failure::usage(format_args!("there is no key or section {key:?}"))
                    .hint("list all keys: authd config show"));
            }
        }
        match console.form() {
            OutputFormat::People => Ok(console.document(&lines(&report::show_text(&entries)))?),
            OutputFormat::Json => Ok(console.json(&report::show_json(&entries))?),
        }
    }
}

/// True for the key itself and for all keys of the section.
fn is_within(key: &str, wanted: &str) -> bool {
    key.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn check(global: &Global, console: &mut Console) -> Result<(), Failure> {
    let loaded = opened::configuration(global, console)?;
    let check = static_report(&loaded, stored_providers(&loaded.config)?);
    match console.form() {
        OutputFormat::People => console.document(&lines(&report::check_text(&check)))?,
        OutputFormat::Json => console.json(&report::check_json(&check))?,
    }
    if check.has_error() { Err(Failure::reported()) } else { Ok(()) }
}

/// What the configuration and the files it names lack, after these findings.
pub fn static_report(loaded: &Loaded, mut found: Vec<Finding>) -> CheckReport {
    found.extend(needs::findings(&loaded.config));
    found.extend(words_of(&loaded.config));
    found.extend(pages_of(&loaded.config));
    found.extend(crate::tls::findings(&loaded.config, Env::real().wall()));
    config::check(&loaded.config, found)
}

/// What is worth knowing about the providers of the database: which are not used, because the
/// configuration has their name or issuer, and what is risky about the others.
pub fn stored_providers(config: &Config) -> Result<Vec<Finding>, Failure> {
    let stored = Store::inspect(&config.database, |db, version| {
        // An older database has no such table yet.
        if version < Store::known_version() { Ok(Vec::new()) } else { tables::providers::all(db) }
    })?;
    let unused = |name: &str| Finding {
        level: Severity::Hint,
        key: format!("providers.{name}"),
        message: "the database has this provider too: that of the configuration is used".to_owned(),
        remedy: format!("remove one of them: authd provider remove {name}"),
    };
    let (mut found, mut used) = (Vec::new(), config.providers.all.clone());
    for row in stored.into_iter().flatten() {
        let settings: ProviderSettings = serde_json::from_str(&row.settings).unwrap_or_default();
        // Nothing here depends on the secrets, which stay sealed.
        let private_key = settings.team_id.as_ref().map(|_| Secret::new("sealed"));
        let keys = ProviderKeys { private_key, client_secret: None };
        let provider = config::resolve_provider(&row.name, &settings, &keys).ok();
        if config.providers.claims(&row.name, provider.as_ref()) {
            found.push(unused(&row.name));
        } else if let Some(provider) = provider {
            let all = config::provider_findings(&provider, &used);
            found.extend(all.into_iter().filter(|finding| finding.level != Severity::Hint));
            used.push(Arc::new(provider));
        }
    }
    Ok(found)
}

/// What is wrong with the operator's files for the pages.
fn pages_of(config: &Config) -> Option<Finding> {
    let error = crate::web::check(config).err()?;
    Some(Finding {
        level: Severity::Error,
        key: "pages".to_owned(),
        message: error.message().trim_start_matches("[pages] ").to_owned(),
        remedy: "correct or remove the file".to_owned(),
    })
}

/// What is wrong with the words and templates in the operator's folders.
fn words_of(config: &Config) -> Vec<Finding> {
    let finding = |level, key: &str, message: String, remedy: &str| Finding {
        level,
        key: key.to_owned(),
        message,
        remedy: remedy.to_owned(),
    };
    let own = &config.language;
    let catalogue = match Catalogue::load(own.words.as_deref(), own.default) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let message = error.message().to_owned();
            let remedy = "see: authd words check";
            return vec![finding(Severity::Error, "language.words", message, remedy)];
        }
    };
    let incomplete = catalogue.incomplete().iter().map(|(tag, missing)| {
        let message = format!("{tag}.toml lacks {missing} texts, which are shown in English");
        finding(Severity::Warning, "language.words", message, "see: authd words check")
    });
    let folder = config.mail.templates.as_deref();
    let templates = Templates::load(&config.service.name, folder, &catalogue).err();
    let templates = templates.map(|error| {
        let message = error.message().to_owned();
        finding(Severity::Error, "mail.templates", message, "correct or remove the file")
    });
    incomplete.chain(templates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_holds_its_keys_and_no_others() {
        assert!(
            is_within("tokens.access", "tokens") && is_within("tokens.access", "tokens.access")
        );
        assert!(!is_within("tokens.access", "token") && !is_within("tokens.access", "tokens.a"));
    }
}
