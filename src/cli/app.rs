//! `authd app`: API clients that authenticate with a key.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::console::{Console, ListRecord, OutputFormat, plain};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::cli::prompt;
use crate::identity::access::api_client;
use crate::identity::{By, FreshBy};
use crate::model::{self, Secret};

/// Register apps and rotate their keys
///
/// An app sends its id and key with each call (X-App-ID and X-Service-Key). A key is shown only
/// once, when it is created.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    Create(AppCreate),
    List(AppList),
    Rotate(AppRotate),
    Delete(AppDelete),
}

/// Register an app and print its key
///
/// Before the first `authd serve` it creates the database.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd app create Website
      Register an app whose key is public because browsers get it
  authd app create Uploads --kind service
      Register your own server, which may make service calls")]
pub struct AppCreate {
    /// A name for the app
    #[arg(value_name = "NAME")]
    name: String,

    /// What the app's key proves
    #[arg(long, value_enum, default_value_t = KindWord::Client)]
    kind: KindWord,
}

/// What an app's key proves.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindWord {
    /// Nothing, because browsers get it
    Client,
    /// That the caller is your own server
    Service,
}

impl KindWord {
    fn kind(self) -> model::app::ApiClientKind {
        match self {
            KindWord::Client => model::app::ApiClientKind::Client,
            KindWord::Service => model::app::ApiClientKind::Service,
        }
    }
}

/// List apps, without their keys
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd app list
      List all apps")]
pub struct AppList {}

/// Create a new key for an app and print it; the old key stops working at once
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd app rotate 0192f0c1-7d2e-7a51-8c6f-1b2f3c4d5e6f
      Replace a key that has leaked")]
pub struct AppRotate {
    /// The app's id
    #[arg(value_name = "ID")]
    id: String,
}

/// Delete an app; its key stops working at once
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd app delete 0192f0c1-7d2e-7a51-8c6f-1b2f3c4d5e6f
      Delete it after confirmation
  authd app delete 0192f0c1-7d2e-7a51-8c6f-1b2f3c4d5e6f --yes
      Delete it from a script")]
pub struct AppDelete {
    /// The app's id
    #[arg(value_name = "ID")]
    id: String,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl AppCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            AppCommand::Create(command) => command.run(global, console),
            AppCommand::List(AppList {}) => {
                opened::with_core(global, console, async |core, console| {
                    let apps = api_client::list(core).await?;
                    Ok(console.records(&apps.iter().map(AppRow).collect::<Vec<_>>())?)
                })
            }
            AppCommand::Rotate(command) => {
                opened::with_core(global, console, async |core, console| {
                    let by = FreshBy::command_line();
                    let (app, key) = api_client::rotate(core, &by, &command.id).await?;
                    with_key(console, &app, &key)
                })
            }
            AppCommand::Delete(command) => command.run(global, console),
        }
    }
}

impl AppCreate {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        opened::with_core_or_new(global, console, async |core, console| {
            let by = By::command_line();
            let (app, key) = api_client::create(core, &by, &self.name, self.kind.kind()).await?;
            with_key(console, &app, &key)
        })
    }
}

impl AppDelete {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        if !self.yes {
            prompt::require_terminal()?;
        }
        opened::with_core(global, console, async |core, console| {
            if !self.yes {
                prompt::confirm(&format!("Delete the app {}?", plain(&self.id)))?;
            }
            api_client::delete(core, &FreshBy::command_line(), &self.id).await?;
            let said = match console.form() {
                OutputFormat::Json => console.json(&json!({ "id": self.id })),
                OutputFormat::People => console.line(&format!("deleted {}", plain(&self.id))),
            };
            Ok(said?)
        })
    }
}

/// Prints the headers that the app has to send, with the key, which is shown only now.
fn with_key(console: &mut Console, app: &model::ApiClient, key: &Secret) -> Result<(), Failure> {
    if console.form() == OutputFormat::Json {
        let mut shown = AppRow(app).json();
        shown["key"] = key.reveal().into();
        return Ok(console.json(&shown)?);
    }
    console.line(&format!("X-App-ID: {}\nX-Service-Key: {}", app.id, key.reveal()))?;
    console.note("store the key now: it is not shown again");
    Ok(())
}

/// An app in a list.
struct AppRow<'a>(&'a model::ApiClient);

impl ListRecord for AppRow<'_> {
    const HEADINGS: &'static [&'static str] = &["ID", "NAME", "KIND", "CREATED", "KEY CREATED"];

    fn cells(&self) -> Vec<String> {
        let app = self.0;
        vec![
            app.id.clone(),
            app.name.clone(),
            app.kind.as_str().to_owned(),
            app.created_at.to_string(),
            app.rotated_at.to_string(),
        ]
    }

    fn json(&self) -> Value {
        let app = self.0;
        json!({
            "id": app.id,
            "name": app.name,
            "kind": app.kind.as_str(),
            "createdAt": app.created_at.to_millis_text(),
            "rotatedAt": app.rotated_at.to_millis_text(),
        })
    }
}
