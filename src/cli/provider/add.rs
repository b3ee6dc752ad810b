//! `authd provider add`

use std::io::{self, IsTerminal};

use clap::Args;

use super::flags::{
    KEY_VARIABLE, ProviderFlags, filled, place_key, refused, warn, warn_of_address,
};
use super::view;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::{opened, prompt};
use crate::error::{Error, Kind};
use crate::identity::admin::providers;
use crate::identity::{Core, FreshBy};
use crate::model::provider::ProviderKeys;
use crate::model::{ProviderSettings, Secret};

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

    #[command(flatten)]
    flags: ProviderFlags,
}

impl ProviderAdd {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let key = self.key(global)?;
        let (mut settings, mut keys) = (ProviderSettings::default(), ProviderKeys::default());
        self.flags.lay_over(&mut settings);
        place_key(&settings, &mut keys, key);
        let name = self.name;
        opened::with_core_or_new(global, console, async |core, console| {
            let by = FreshBy::command_line();
            let added = providers::create(core, &by, &name, &settings, &keys).await;
            let record = added.map_err(|error| not_added(core, &name, error))?;
            view::show(console, &record, None)?;
            warn(core, console, &record).await?;
            if let Some(address) = &record.redirect_address {
                console.note(&format!("register this address at the provider: {address}"));
            }
            warn_of_address(core, console);
            console.note(&format!("next: authd provider test {name}"));
            Ok(())
        })
    }

    /// The client secret or the private key. It never comes from an argument.
    fn key(&self, global: &Global) -> Result<Option<Secret>, Failure> {
        if self.flags.public {
            return Ok(None);
        }
        if let Some(key) = self.flags.named_key()? {
            return Ok(Some(key));
        }
        let key = if let Some(given) = opened::inputs(global, None)?.env.get(KEY_VARIABLE) {
            Secret::new(given.clone())
        } else if io::stdin().is_terminal() && self.flags.team_id.is_none() {
            prompt::typed_text("Client secret: ")?
        } else {
            return Err(Failure::usage("the client secret or private key is missing").hint(
                "name a file with --key-file, pipe it in with --key-stdin, set AUTHD_PROVIDER_KEY, \
                 or give --public if the provider issued none",
            ));
        };
        filled(&key).map(Some)
    }
}

fn not_added(core: &Core, name: &str, error: Error) -> Failure {
    let is_taken = error.kind() == Kind::AlreadyExists;
    match core.config.providers.find(name) {
        _ if !is_taken => refused(error),
        Some(_) => refused(error).hint("the configuration has it: change it there"),
        None => refused(error).hint(format_args!("to change it: authd provider set {name}")),
    }
}
