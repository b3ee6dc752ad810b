//! The flags with a provider's settings, for `provider add` and `provider set`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::prompt;
use crate::config::{Severity, given_key, provider_findings};
use crate::error::{Error, Field, FieldError, Rule};
use crate::identity::Core;
use crate::identity::admin::providers;
use crate::identity::admin::providers::ProviderRecord;
use crate::model::provider::ProviderKeys;
use crate::model::{ProviderSettings, Secret};

/// The variable with the client secret or the private key.
pub(super) const KEY_VARIABLE: &str = "AUTHD_PROVIDER_KEY";

/// Settings of a provider, as in `[providers.NAME]`.
#[derive(Debug, Args)]
pub(super) struct ProviderFlags {
    /// The client ID that the provider issued
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// The issuer, without a preset, or for a server of your own
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,

    /// The preset, if the name is another
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,

    /// What users call it
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// Microsoft: the ID of a tenant, common, organizations or consumers
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Apple: the ID of the team
    #[arg(long, value_name = "ID")]
    pub(super) team_id: Option<String>,

    /// Apple: the ID of the private key
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,

    /// A scope besides those of the preset; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// A page of your own that takes the provider's answer; may be repeated
    #[arg(long = "redirect-uri", value_name = "URL")]
    redirect_uris: Vec<String>,

    /// Another client ID whose ID tokens your apps send; may be repeated
    #[arg(long = "audience", value_name = "ID")]
    audiences: Vec<String>,

    /// What proves an address: the name of a claim, always or never
    #[arg(long, value_name = "CLAIM")]
    proved_by: Option<String>,

    /// A value of acr for which no second factor is asked for; may be repeated
    #[arg(long = "trusted-acr", value_name = "ACR")]
    trusted_acr: Vec<String>,

    /// Keep the tokens of each login, sealed, for apps that call the provider's API
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    keep_tokens: Option<bool>,

    /// Read the client secret or the private key from this file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Read it from standard input
    #[arg(long, conflicts_with = "key_file")]
    key_stdin: bool,

    /// The provider issued no client secret
    #[arg(long, conflicts_with_all = ["key_file", "key_stdin"])]
    pub(super) public: bool,
}

impl ProviderFlags {
    /// Lays the settings that were given over others. A list replaces the one from before.
    pub(super) fn lay_over(&self, settings: &mut ProviderSettings) {
        for (into, given) in [
            (&mut settings.client_id, &self.client_id),
            (&mut settings.issuer, &self.issuer),
            (&mut settings.preset, &self.preset),
            (&mut settings.label, &self.label),
            (&mut settings.tenant, &self.tenant),
            (&mut settings.team_id, &self.team_id),
            (&mut settings.key_id, &self.key_id),
        ] {
            if given.is_some() {
                into.clone_from(given);
            }
        }
        for (into, given) in [
            (&mut settings.scopes, &self.scopes),
            (&mut settings.redirect_uris, &self.redirect_uris),
            (&mut settings.audiences, &self.audiences),
            (&mut settings.trusted_acr, &self.trusted_acr),
        ] {
            if !given.is_empty() {
                into.clone_from(given);
            }
        }
        if let Some(word) = &self.proved_by {
            settings.proved_by = Some(word.clone().into());
        }
        settings.keep_tokens = self.keep_tokens.unwrap_or(settings.keep_tokens);
    }

    /// Whether a setting was given.
    pub(super) fn has_settings(&self) -> bool {
        let mut settings = ProviderSettings::default();
        self.lay_over(&mut settings);
        settings != ProviderSettings::default() || self.keep_tokens.is_some()
    }

    /// The client secret or the private key from a file or standard input, if one of them was named.
    pub(super) fn named_key(&self) -> Result<Option<Secret>, Failure> {
        if let Some(path) = &self.key_file {
            read_file(path).map(Some)
        } else if self.key_stdin {
            filled(&prompt::piped_text(io::stdin().lock())?).map(Some)
        } else {
            Ok(None)
        }
    }
}

fn read_file(path: &Path) -> Result<Secret, Failure> {
    let file = File::open(path).map_err(|error| {
        Failure::failed(format_args!("cannot read {}: {error}", path.display()))
    })?;
    filled(&prompt::piped_text(file)?)
}

/// Refuses an empty secret.
pub(super) fn filled(key: &Secret) -> Result<Secret, Failure> {
    given_key(key.reveal()).ok_or_else(|| {
        Failure::failed("the client secret or private key is empty")
            .hint("give --public if the provider issued none")
    })
}

/// Puts a key in its place: Apple signs with it, the others compare it.
pub(super) fn place_key(settings: &ProviderSettings, keys: &mut ProviderKeys, key: Option<Secret>) {
    *keys = if settings.team_id.is_some() {
        ProviderKeys { private_key: key, client_secret: None }
    } else {
        ProviderKeys { client_secret: key, private_key: None }
    };
}

/// Warns of what is risky about a provider that was added or changed.
pub(super) async fn warn(
    core: &Core,
    console: &mut Console,
    record: &ProviderRecord,
) -> Result<(), Failure> {
    let Ok(provider) = &record.provider else { return Ok(()) };
    let all = providers::list(core).await?;
    let others: Vec<_> = all.into_iter().filter_map(|other| other.provider.ok()).collect();
    for finding in provider_findings(provider, &others) {
        if finding.level != Severity::Hint {
            console.warning(&format!("{}; {}", finding.message, finding.remedy));
        }
    }
    Ok(())
}

/// Warns of an address to register that users cannot reach, and that will be another.
pub(super) fn warn_of_address(core: &Core, console: &mut Console) {
    if core.config.server.public_url.is_none() && core.config.serves_pages() {
        console.warning(
            "server.public_url is not set, so the address to register is one of this machine, by \
             server.listen: set it first, or register the address again when it is another",
        );
    }
}

/// The settings that do not fit, by the flags that give them.
pub(super) fn refused(error: Error) -> Failure {
    let row = |row: &FieldError| match (&row.field, &row.rule) {
        (Field::Setting(setting), Rule::Setting(message)) => {
            Some(format!("{}: {message}", flag_of(setting)))
        }
        _ => None,
    };
    let rows: Vec<_> = error.fields().iter().filter_map(row).collect();
    if rows.is_empty() { error.into() } else { Failure::failed(rows.join("\n  ")) }
}

fn flag_of(setting: &str) -> String {
    match setting {
        "name" => "NAME".to_owned(),
        "client_secret" | "private_key" => setting.replace('_', " "),
        "scopes" | "audiences" | "redirect_uris" => {
            format!("--{}", setting.trim_end_matches('s').replace('_', "-"))
        }
        _ => format!("--{}", setting.replace('_', "-")),
    }
}
