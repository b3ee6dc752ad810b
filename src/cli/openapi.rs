//! `authd openapi`: the description of an API, as the server publishes it.

use clap::{Args, ValueEnum};

use super::Global;
use super::console::Console;
use super::failure::Failure;
use super::opened;
use crate::{api, config};

/// Print the OpenAPI document of an API
///
/// It is the one that the server publishes under /openapi/<API>.json, under the present configuration.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd openapi > v1.json
      Keep the document of the native API for a client generator
  authd openapi siteworks --profile siteworks
      The document of another API, under its own preset")]
pub struct Openapi {
    /// Which API
    #[arg(value_name = "API", value_enum, default_value_t = WireName::V1)]
    wire: WireName,
}

/// An API that has a document.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum WireName {
    /// The native API
    V1,
    /// The API of the profile siteworks
    Siteworks,
    /// The API of the profile jobpath
    Jobpath,
    /// The API of the profile jobpsych
    Jobpsych,
    /// The API of the profile authbackend
    Authbackend,
}

impl Openapi {
    /// Prints it.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let loaded = opened::configuration(global, console)?;
        let name = match self.wire {
            WireName::V1 => config::WireName::V1,
            WireName::Siteworks => config::WireName::Siteworks,
            WireName::Jobpath => config::WireName::Jobpath,
            WireName::Jobpsych => config::WireName::Jobpsych,
            WireName::Authbackend => config::WireName::Authbackend,
        };
        let document = (api::named(name, &loaded.config).document)(&loaded.config);
        Ok(console.document(&format!("{document:#}"))?)
    }
}
