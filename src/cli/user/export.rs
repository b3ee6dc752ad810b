//! `authd user export`: writes all accounts in a format that `authd user import` reads.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::import::{Format, made};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::progress::ProgressBar;
use crate::identity::Core;
use crate::identity::admin::export_all::{ExportRun, Hashes};
use crate::model::identity::Identity;
use crate::model::{LanguageTag, Source, Time, text};
use crate::store::tables::transfer::AccountExport;

/// Export all accounts in a format that `user import` reads
///
/// Connected accounts at providers are exported too. Deleted accounts, sessions, second factors and
/// files are not. Password hashes are exported only with --with-hashes, because an attacker who gets them can guess passwords offline.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user export > users.jsonl
      Export all accounts without their password hashes
  authd user export --with-hashes --output users.csv
      Export everything that another authd needs, to a file that only you can read")]
pub struct UserExport {
    /// Write to this new file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The format; by default from the file's name, or else JSON Lines
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// Include password hashes
    #[arg(long)]
    with_hashes: bool,
}

impl UserExport {
    pub async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        let named = self.output.as_deref().and_then(Format::of);
        let format = self.format.or(named).unwrap_or(Format::Jsonl);
        let mut file = self.output.as_deref().map(made).transpose()?;
        let hashes = if self.with_hashes { Hashes::Included } else { Hashes::Omitted };
        let mut export = ExportRun::begin(core, hashes, &Source::command_line()).await?;
        let mut progress = ProgressBar::new(&core.env, Some(export.count().await?));
        let mut written = 0;
        let mut write = |console: &mut Console, line: &str| match &mut file {
            Some(file) => writeln!(file, "{line}"),
            None => console.line(line),
        };
        if format == Format::Csv {
            write(console, &NAMES.join(","))?;
        }
        loop {
            let page = export.page().await?;
            if page.is_empty() {
                break;
            }
            for account in &page {
                let values = values(account);
                match format {
                    Format::Csv => write(console, &csv(&values))?,
                    Format::Jsonl => write(console, &object(values).to_string())?,
                }
            }
            written += page.len() as u64;
            if self.output.is_some() {
                progress.show(written, &format!("{written} written"));
            }
        }
        drop(progress);
        if let Some(mut file) = file {
            file.flush()?;
            file.get_ref().sync_all()?;
            console.note(&format!("wrote {written} accounts"));
        }
        Ok(())
    }
}

/// The column names that an import knows.
const NAMES: [&str; 22] = [
    "id",
    "number",
    "email",
    "email_verified_at",
    "username",
    "first_name",
    "last_name",
    "name",
    "company_name",
    "phone",
    "phone_verified_at",
    "locale",
    "password_hash",
    "files_uploaded",
    "upload_limit",
    "suspended_at",
    "last_login_at",
    "created_at",
    "updated_at",
    "roles",
    "is_active",
    "identities",
];

fn values(entry: &AccountExport) -> [Value; 22] {
    let account = &entry.account;
    let time = |at: Option<Time>| at.map(Time::to_millis_text);
    [
        json!(account.id.as_str()),
        json!(account.number),
        json!(account.email_text()),
        // An unverified address is written as false. With null, the import would decide.
        account.email_verified_at.map_or(json!(false), |at| json!(at.to_millis_text())),
        json!(entry.username_key.as_ref().and(account.username.as_ref())),
        json!(account.first_name),
        json!(account.last_name),
        json!(account.name),
        json!(account.company_name),
        json!(account.phone),
        json!(time(account.phone_verified_at)),
        json!(account.locale.as_ref().map(LanguageTag::as_str)),
        json!(account.password_hash),
        json!(entry.files_uploaded),
        json!(entry.upload_limit),
        json!(time(account.suspended_at)),
        json!(time(account.last_login_at)),
        json!(account.created_at.to_millis_text()),
        json!(account.updated_at.to_millis_text()),
        json!(entry.roles),
        json!(account.suspended_at.is_none()),
        entry.identities.iter().map(identity).collect(),
    ]
}

fn identity(one: &Identity) -> Value {
    json!({
        "provider": one.provider,
        "issuer": one.issuer,
        "subject": one.subject,
        "email": one.email,
        "name": one.name,
        "created_at": one.created_at.to_millis_text(),
    })
}

fn object(values: [Value; 22]) -> Value {
    NAMES
        .iter()
        .zip(values)
        .map(|(name, value)| ((*name).to_owned(), value))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn csv(values: &[Value]) -> String {
    let cells: Vec<String> = values.iter().map(cell).collect();
    cells.join(",")
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text::guard_formula(text).into_owned(),
        Value::Array(parts) if parts.is_empty() => return String::new(),
        // Objects are written as JSON.
        Value::Array(parts) if parts.iter().any(Value::is_object) => value.to_string(),
        Value::Array(parts) => {
            let parts = parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
            text::guard_formula(&parts).into_owned()
        }
        other => other.to_string(),
    };
    let is_plain = !text.is_empty()
        && text != "NULL"
        && !text.contains(['"', ',', ';', '\t', '\n', '\r', '\\']);
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}
