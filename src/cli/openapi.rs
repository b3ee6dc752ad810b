//! `authd openapi`: the OpenAPI document of an API, as the server publishes it.

use clap::{Args, ValueEnum};

use super::console::Console;
use super::failure::Failure;
use crate::api::DocumentPart;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::http::docs::part::part;
use crate::{api, config};

/// Print the OpenAPI document of an API
///
/// This is the document that the server publishes at /openapi/<API>.json with the current
/// configuration.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd openapi > api.json
      Save the document of the API at the root for a client generator
  authd openapi v1-admin
      Print the document of the native API for administrators
  authd openapi v1 --profile siteworks
      Print the document of the native API under another profile
  authd openapi --profile perfect21
      perfect21, like standard, serves the native API: its document is that of v1")]
pub struct Openapi {
    /// The API; by default the one at the root, whose document is also at /openapi.json
    #[arg(value_name = "API", value_enum)]
    wire: Option<DocumentName>,
}

/// An API that has an OpenAPI document.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DocumentName {
    /// The native API
    V1,
    /// The native API for administrators
    V1Admin,
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
    /// Prints the document.
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let loaded = opened::configuration(global, console)?;
        let wire = match self.wire {
            None => loaded.config.server.wire,
            Some(DocumentName::V1 | DocumentName::V1Admin) => config::WireName::V1,
            Some(DocumentName::Siteworks) => config::WireName::Siteworks,
            Some(DocumentName::Jobpath) => config::WireName::Jobpath,
            Some(DocumentName::Jobpsych) => config::WireName::Jobpsych,
            Some(DocumentName::Authbackend) => config::WireName::Authbackend,
        };
        let api = api::named(wire, &loaded.config);
        let parts = api::document_parts(&api);
        let is_wanted = |(name, _): &&DocumentPart| {
            matches!(self.wire, Some(DocumentName::V1Admin)) == (*name == api::v1::ADMIN_DOCUMENT)
        };
        let Some((_, is_in)) = parts.iter().find(is_wanted) else { return Ok(()) };
        let document = part(&(api.document)(&loaded.config), is_in);
        Ok(console.document(&format!("{document:#}"))?)
    }
}
