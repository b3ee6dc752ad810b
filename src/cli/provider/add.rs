//! `authd provider add`

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;

use super::view;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::{opened, prompt};
use crate::config::{Severity, given_key, provider_findings};
use crate::error::{Error, Field, Rule};
use crate::identity::FreshBy;
use crate::identity::admin::providers;
use crate::model::provider::ProviderKeys;
use crate::model::{ProviderSettings, Secret};

/// The variable with the client secret or the private key.
const KEY_VARIABLE: &str = "AUTHD_PROVIDER_KEY";

/// Add a provider, and print the address to register there
///
/// The settings are those of `[providers.NAME]`; a name like that of a preset (google, apple,
/// microsoft, github, gitlab, discord, facebook, slack, linkedin, x) uses it. The client secret, or
/// Apple's private key, comes from `AUTHD_PROVIDER_KEY`, a file, standard input or a prompt.
///
/// Before the first `authd serve` it creates the database.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd provider add google --client-id 1234.apps.googleusercontent.com
      Prompt for the client secret, and add Google
  authd provider add acme --issuer https://login.acme.example --client-id authd --key-file secret.txt
      Add an OpenID Connect provider by its issuer
  authd provider add apple --client-id com.example.web --team-id A1B2C3D4E5 --key-id F6G7H8I9J0 --key-file AuthKey.p8
      Add Apple, whose client secret is signed for each request")]
pub struct ProviderAdd {
    /// The provider's name, in paths and in the audit log
    #[arg(value_name = "NAME")]
    name: String,

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
    team_id: Option<String>,

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

    /// Read the client secret or the private key from this file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Read it from standard input
    #[arg(long, conflicts_with = "key_file")]
    key_stdin: bool,

    /// The provider issued no client secret
    #[arg(long, conflicts_with_all = ["key_file", "key_stdin"])]
    public: bool,
}

impl ProviderAdd {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let key = self.key(global)?;
        let keys = match (key, &self.team_id) {
            (key, Some(_)) => ProviderKeys { private_key: key, client_secret: None },
            (key, None) => ProviderKeys { client_secret: key, private_key: None },
        };
        let (name, settings) = (self.name.clone(), self.settings());
        opened::with_core_or_new(global, console, async |core, console| {
            let by = FreshBy::command_line();
            let added = providers::create(core, &by, &name, &settings, &keys).await;
            let record = added.map_err(|error| refused(&error).unwrap_or_else(|| error.into()))?;
            view::show(console, &record, None)?;
            for finding in record.provider.iter().flat_map(|provider| provider_findings(provider)) {
                if finding.level != Severity::Hint {
                    console.warning(&format!("{}; {}", finding.message, finding.remedy));
                }
            }
            if let Some(address) = &record.redirect_address {
                console.note(&format!("register this address at the provider: {address}"));
            }
            console.note(&format!("next: authd provider test {name}"));
            Ok(())
        })
    }

    fn settings(self) -> ProviderSettings {
        ProviderSettings {
            preset: self.preset,
            label: self.label,
            issuer: self.issuer,
            client_id: self.client_id,
            tenant: self.tenant,
            team_id: self.team_id,
            key_id: self.key_id,
            scopes: self.scopes,
            audiences: self.audiences,
            redirect_uris: self.redirect_uris,
            trusted_acr: self.trusted_acr,
            proved_by: self.proved_by.map(Into::into),
        }
    }

    /// The client secret or the private key. It never comes from an argument.
    fn key(&self, global: &Global) -> Result<Option<Secret>, Failure> {
        if self.public {
            return Ok(None);
        }
        let key = if let Some(path) = &self.key_file {
            read_file(path)?
        } else if self.key_stdin {
            prompt::piped_text(io::stdin().lock())?
        } else if let Some(given) = opened::inputs(global, None)?.env.get(KEY_VARIABLE) {
            Secret::new(given.clone())
        } else if io::stdin().is_terminal() && self.team_id.is_none() {
            prompt::typed_text("Client secret: ")?
        } else {
            return Err(Failure::usage("the client secret or private key is missing").hint(
                "name a file with --key-file, pipe it in with --key-stdin, set AUTHD_PROVIDER_KEY, \
                 or give --public if the provider issued none",
            ));
        };
        let key = given_key(key.reveal());
        key.map(Some).ok_or_else(|| {
            Failure::failed("the client secret or private key is empty")
                .hint("give --public if the provider issued none")
        })
    }
}

fn read_file(path: &Path) -> Result<Secret, Failure> {
    let file = File::open(path).map_err(|error| {
        Failure::failed(format_args!("cannot read {}: {error}", path.display()))
    })?;
    prompt::piped_text(file)
}

/// The settings that do not fit, by the flags that give them.
fn refused(error: &Error) -> Option<Failure> {
    let row = |row: &crate::error::FieldError| match (&row.field, &row.rule) {
        (Field::Setting(setting), Rule::Setting(message)) => {
            Some(format!("{}: {message}", flag_of(setting)))
        }
        _ => None,
    };
    let rows: Vec<_> = error.fields().iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| Failure::failed(rows.join("\n  ")))
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
