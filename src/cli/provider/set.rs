//! `authd provider set`

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};

use super::flags::{KEY_VARIABLE, ProviderFlags, filled, place_key, refused, warn};
use super::view;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::{opened, prompt};
use crate::identity::FreshBy;
use crate::identity::admin::providers;
use crate::model::provider::ProviderKeys;
use crate::model::{ProviderSettings, Secret};

/// Change the settings or the secret of a provider that was added here
///
/// What is not given stays as it is, and connected accounts stay. A new client secret or private key
/// replaces the old one at once: let the provider accept both until then.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd provider set google --key-file new-secret.txt
      Replace the client secret
  authd provider set google --label Google --scope https://www.googleapis.com/auth/calendar.readonly
      Change the label and the scopes
  authd provider set google --unset label
      Use the label of the preset again")]
pub struct ProviderSet {
    /// The provider's name
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    flags: ProviderFlags,

    /// Read a new client secret or private key from `AUTHD_PROVIDER_KEY`, or prompt for the secret
    #[arg(long, conflicts_with_all = ["key_file", "key_stdin", "public"])]
    new_key: bool,

    /// A setting to take away, as in the file or with hyphens; may be repeated
    #[arg(long, value_name = "SETTING")]
    unset: Vec<UnsetSetting>,
}

/// A setting that a provider can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
enum UnsetSetting {
    Issuer,
    Preset,
    Label,
    Tenant,
    #[value(alias = "team_id")]
    TeamId,
    #[value(alias = "key_id")]
    KeyId,
    Scopes,
    #[value(alias = "redirect_uris")]
    RedirectUris,
    Audiences,
    #[value(alias = "proved_by")]
    ProvedBy,
    #[value(alias = "trusted_acr")]
    TrustedAcr,
    #[value(alias = "keep_tokens")]
    KeepTokens,
}

impl UnsetSetting {
    fn take_away(self, settings: &mut ProviderSettings) {
        match self {
            Self::Issuer => settings.issuer = None,
            Self::Preset => settings.preset = None,
            Self::Label => settings.label = None,
            Self::Tenant => settings.tenant = None,
            Self::TeamId => settings.team_id = None,
            Self::KeyId => settings.key_id = None,
            Self::Scopes => settings.scopes.clear(),
            Self::RedirectUris => settings.redirect_uris.clear(),
            Self::Audiences => settings.audiences.clear(),
            Self::ProvedBy => settings.proved_by = None,
            Self::TrustedAcr => settings.trusted_acr.clear(),
            Self::KeepTokens => settings.keep_tokens = false,
        }
    }
}

impl ProviderSet {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let key = self.key(global)?;
        let changes_key = key.is_some() || self.flags.public;
        if !changes_key && self.unset.is_empty() && !self.flags.has_settings() {
            return Err(Failure::usage("nothing to change is given")
                .hint("give a setting, --unset SETTING, or --key-file with a new secret"));
        }
        let Self { name, flags, unset, .. } = self;
        let patch = move |settings: &mut ProviderSettings, keys: &mut ProviderKeys| {
            for setting in &unset {
                setting.take_away(settings);
            }
            flags.lay_over(settings);
            if changes_key {
                place_key(settings, keys, key.clone());
            }
        };
        opened::with_core(global, console, async |core, console| {
            let by = FreshBy::command_line();
            let changed = providers::change(core, &by, &name, None, patch).await;
            let record = changed.map_err(refused)?;
            view::show(console, &record, None)?;
            warn(core, console, &record).await?;
            console.note(&format!("next: authd provider test {name}"));
            Ok(())
        })
    }

    /// The new client secret or private key, if there is one. It never comes from an argument.
    fn key(&self, global: &Global) -> Result<Option<Secret>, Failure> {
        if !self.new_key {
            return self.flags.named_key();
        }
        let key = if let Some(given) = opened::inputs(global, None)?.env.get(KEY_VARIABLE) {
            Secret::new(given.clone())
        } else if io::stdin().is_terminal() {
            prompt::typed_text("Client secret: ")?
        } else {
            return Err(Failure::usage("the client secret or private key is missing")
                .hint("set AUTHD_PROVIDER_KEY, or name a file with --key-file"));
        };
        filled(&key).map(Some)
    }
}
