//! `authd openapi`: the description of an API, as the server publishes it.

use clap::{Args, ValueEnum};

use super::Global;
use super::console::Console;
use super::failure::Failure;
use super::opened;
use crate::api;

/// Print the OpenAPI document of an API
///
/// It is the one that the server publishes under /openapi/<API>.json, under the present configuration.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd openapi > v1.json
      Keep the document of the native API for a client generator
  authd openapi v1 --profile perfect21
      See it under another preset")]
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
}

impl Openapi {
    /// Prints it.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let loaded = opened::configuration(global, console)?;
        let document = match self.wire {
            WireName::V1 => api::v1::document(&loaded.config),
        };
        Ok(console.document(&format!("{document:#}"))?)
    }
}
