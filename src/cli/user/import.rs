//! `authd user import`: imports the accounts of an old backend, with their ids and password hashes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::import_text::{words, words_in_general};
use super::rows::{Csv, Escape, Headings, Input, Json, Rows, Unreadable, Unused};
use crate::cli::console::{Console, OutputFormat, plain};
use crate::cli::failure::Failure;
use crate::cli::progress::ProgressBar;
use crate::identity::Core;
use crate::identity::admin::import;
use crate::identity::admin::import::{
    ColumnMeaning, Draft, ImportColumn, ImportReason, ImportRules, Options, Remark, Remarked,
    Summary,
};
use crate::model::Source;

/// How many rows are imported at a time.
const BATCH: usize = 5_000;
/// How many batches may wait to be written.
const AHEAD: usize = 2;
/// How many remarks are printed. The report contains all of them.
const SHOWN: usize = 20;

/// Import accounts from an old backend
///
/// Reads CSV (PostgreSQL's COPY ... CSV HEADER, MySQL's exports) or JSON Lines. Common spellings of
/// column names are recognised, also those of Supabase, Devise, Django, Auth0 and Laravel: `id`,
/// `email`, `password` or `password_hash`, `name`, `first_name` or `firstName`, `is_verified` or
/// `email_confirmed_at`, `is_active`, `status`, `role` or `roles`, `created_at` and so on.
///
/// Ids are kept: a number becomes the account's number, any other id becomes its id. Hashes of
/// bcrypt (2a, 2b, 2x, 2y, cost 4 to 14), argon2 and Django's PBKDF2-SHA256 are kept too, and
/// replaced at the next login. A row without one is refused, unless it has an account at a provider
/// or --without-passwords is given.
///
/// Accounts at providers come from `identities`, as JSON: in authd's own form or those of PocketBase,
/// Supabase, Firebase, Auth0, Keycloak and Better Auth. Add the providers first, with the client IDs
/// of the old backend.
///
/// Import before other accounts are created; otherwise their numbers may already be taken.
///
/// A row that cannot be imported is reported with its line and the reason, and the import
/// continues. Existing accounts are not changed, so an interrupted import can be resumed by running
/// it again. Only an account that an earlier import left without a password gets it from a later
/// one. The server may run at the same time.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user import users.csv --dry-run
      Check everything and write nothing
  authd user import users.csv --report refused.jsonl
      Import, and write every refused row and the reason to a file
  psql -c \"copy users to stdout csv header\" mydb | authd user import - --format csv
      Import from a running PostgreSQL
  mysql --batch -e 'select * from users' mydb | authd user import - --format csv
      Import from a running MySQL
  authd user import users.jsonl --column uid=id --column legacy=-
      Set the meaning of one column, and ignore another

Exits with 1 if nothing could be imported, or with --strict if a row was refused.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct UserImport {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The file's format; by default from its name
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// How CSV writes a quote within quotes: twice, or after a backslash
    #[arg(long, value_enum, value_name = "HOW")]
    escape: Option<EscapeWord>,

    /// The meaning of a column: a name that authd knows, or - to ignore it; may be repeated
    #[arg(long = "column", value_name = "THEIRS=OURS", value_parser = meaning)]
    columns: Vec<(String, GivenMeaning)>,

    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Keep these roles, which have more rights than the default role
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    allow_roles: Vec<String>,

    /// Mark addresses as verified if the file does not say
    #[arg(long)]
    assume_verified: bool,

    /// Import accounts without a password hash that authd can check; their owners set a new password
    #[arg(long)]
    without_passwords: bool,

    /// Write each refused or changed row to this file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Exit with 1 if a row was refused
    #[arg(long)]
    strict: bool,
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Separated by commas, semicolons or tabs, with column names in the first line
    Csv,
    /// One JSON object per line
    Jsonl,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EscapeWord {
    /// "", as PostgreSQL writes it
    Quote,
    /// \", as MySQL writes it
    Backslash,
}

/// A meaning given on the command line.
#[derive(Debug, Clone, Copy)]
struct GivenMeaning(ColumnMeaning);

fn meaning(text: &str) -> Result<(String, GivenMeaning), String> {
    let expected = || {
        let names: Vec<_> = ImportColumn::names().collect();
        format!(
            "expected theirs=ours, like uid=id, or theirs=- to ignore the column; ours is one of {}",
            names.join(", ")
        )
    };
    let (theirs, ours) =
        text.split_once('=').filter(|(theirs, _)| !theirs.is_empty()).ok_or_else(expected)?;
    match ImportColumn::meaning(ours) {
        ColumnMeaning::Read(column) => {
            Ok((theirs.to_owned(), GivenMeaning(ColumnMeaning::Read(column))))
        }
        _ if ours == "-" => Ok((theirs.to_owned(), GivenMeaning(ColumnMeaning::Left))),
        _ => Err(expected()),
    }
}

impl Format {
    /// The format for a file name extension.
    pub fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// What the reader thread sends.
struct Batch {
    drafts: Vec<Draft>,
    position: u64,
    unused: Unused,
}

type BatchResult = Result<Batch, String>;

impl UserImport {
    pub async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        let (rows, total) = self.open()?;
        let mut report = self.report.as_deref().map(made).transpose()?;
        let options = Options {
            dry_run: self.dry_run,
            allowed_roles: self.allow_roles.clone(),
            assume_verified: self.assume_verified,
            without_passwords: self.without_passwords,
        };
        let mut import = import::ImportRun::begin(core, options, &Source::command_line()).await?;
        let mut batches = reading(rows, import.rules())?;
        let mut shown = ImportSummary::default();
        let ended = {
            let mut progress = ProgressBar::new(&core.env, total);
            let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
            loop {
                let batch = tokio::select! {
                    batch = batches.recv() => batch,
                    _ = &mut interrupt => break Err(Failure::failed("interrupted").hint("run it again to continue")),
                };
                let Some(batch) = batch else { break Ok(()) };
                let Batch { drafts, position, unused } = match batch {
                    Ok(batch) => batch,
                    Err(why) => break Err(Failure::failed(why)),
                };
                match import.add(drafts).await {
                    // If the report cannot be written, what was imported so far is still recorded
                    // and printed.
                    Ok(remarks) => match shown.note(remarks, unused, report.as_mut()) {
                        Ok(()) => {}
                        Err(error) => break Err(cannot_report(error)),
                    },
                    Err(error) => break Err(Failure::from(error)),
                }
                let Summary { imported, present, refused, .. } = import.summary();
                progress.show(
                    position,
                    &format!("{imported} imported, {present} there already, {refused} refused"),
                );
            }
        };
        let summary = import.finish().await?;
        let flushed = report.map_or(Ok(()), |mut report| report.flush().map_err(cannot_report));
        self.tell(&summary, &shown, console)?;
        ended.and(flushed)?;
        self.judge(&summary)
    }

    fn open(&self) -> Result<(Box<dyn Rows + Send>, Option<u64>), Failure> {
        let Some(format) = self.format.or_else(|| Format::of(&self.file)) else {
            return Err(Failure::usage("the format is not clear from the file's name")
                .hint("use --format csv or --format jsonl"));
        };
        let path = self.file.display();
        let cannot =
            |error: io::Error| Failure::failed(format_args!("cannot read {path}: {error}"));
        let (input, total): (Input, Option<u64>) = if self.file == Path::new("-") {
            (Box::new(BufReader::new(io::stdin())), None)
        } else {
            let file = File::open(&self.file).map_err(cannot)?;
            let total = file.metadata().map_err(cannot)?.len();
            (Box::new(BufReader::with_capacity(1 << 16, file)), Some(total))
        };
        let given: BTreeMap<String, ColumnMeaning> =
            self.columns.iter().map(|(name, given)| (name.clone(), given.0)).collect();
        let headings = Headings::new(given);
        let escape = self.escape.map(|word| match word {
            EscapeWord::Quote => Escape::Quote,
            EscapeWord::Backslash => Escape::Backslash,
        });
        let rows: Box<dyn Rows + Send> = match format {
            Format::Jsonl => Box::new(Json::new(input, headings)),
            Format::Csv => {
                Box::new(Csv::open(input, escape, headings).map_err(
                    |unreadable| match unreadable {
                        Unreadable::Io(error) => cannot(error),
                        Unreadable::Heading(why) => {
                            Failure::failed(format_args!("cannot read {path}: {why}"))
                        }
                    },
                )?)
            }
        };
        Ok((rows, total))
    }

    fn tell(
        &self,
        summary: &Summary,
        shown: &ImportSummary,
        console: &mut Console,
    ) -> io::Result<()> {
        let Summary { rows, imported, present, repaired, refused, changed } = summary;
        let reasons = &shown.reasons;
        let list = |names: &std::collections::BTreeSet<String>| {
            names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
        };
        if !shown.unused.unknown.is_empty() {
            console.warning(&format!(
                "unknown columns were not read: {}",
                list(&shown.unused.unknown)
            ));
        }
        if !shown.unused.left.is_empty() {
            console.note(&format!("ignored columns: {}", list(&shown.unused.left)));
        }
        for remark in &shown.first {
            console.note(&format!(
                "line {}: {}: {}",
                remark.line,
                word(remark.outcome),
                plain(&words(&remark.reason))
            ));
        }
        let more = refused + changed;
        if more > shown.first.len() as u64 {
            for (reason, times) in reasons {
                console.note(&format!("{times} × {}", plain(reason)));
            }
            if self.report.is_none() {
                console.note("use --report FILE to write all of them to a file");
            }
        }
        if console.form() == OutputFormat::Json {
            return console.json(&json!({
                "dryRun": self.dry_run, "rows": rows, "imported": imported, "present": present, "repaired": repaired,
                "refused": refused,
                "changed": changed, "reasons": reasons, "unknownColumns": shown.unused.unknown,
                "leftColumns": shown.unused.left,
            }));
        }
        let verb = if self.dry_run { "would import" } else { "imported" };
        let got = if self.dry_run { "would get" } else { "got" };
        let repairs = match repaired {
            0 => String::new(),
            _ => format!("; {repaired} {got} the password that an earlier import left out"),
        };
        console.line(&format!(
            "{verb} {imported} of {rows} rows; {present} were there already, {refused} were \
             refused{repairs}"
        ))
    }

    fn judge(&self, summary: &Summary) -> Result<(), Failure> {
        let nothing = summary.imported + summary.present + summary.repaired == 0;
        if summary.rows == 0 {
            return Err(Failure::failed("there was nothing to import"));
        }
        if nothing || (self.strict && summary.refused > 0) {
            Err(Failure::reported())
        } else {
            Ok(())
        }
    }
}

fn word(outcome: Remarked) -> &'static str {
    match outcome {
        Remarked::Refused => "refused",
        Remarked::Changed => "changed",
    }
}

/// What is printed at the end.
#[derive(Default)]
struct ImportSummary {
    first: Vec<Remark>,
    /// How often each reason occurred.
    reasons: BTreeMap<String, u64>,
    unused: Unused,
}

impl ImportSummary {
    fn note(
        &mut self,
        remarks: Vec<Remark>,
        unused: Unused,
        report: Option<&mut BufWriter<File>>,
    ) -> io::Result<()> {
        self.unused = unused;
        if let Some(report) = report {
            for Remark { line, outcome, reason } in &remarks {
                let (outcome, reason) = (word(*outcome), words(reason));
                let remark = json!({ "line": line, "outcome": outcome, "reason": reason });
                writeln!(report, "{remark}")?;
            }
        }
        for remark in &remarks {
            *self.reasons.entry(words_in_general(&remark.reason).into_owned()).or_default() += 1;
        }
        let room = SHOWN.saturating_sub(self.first.len());
        self.first.extend(remarks.into_iter().take(room));
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn cannot_report(error: io::Error) -> Failure {
    Failure::failed(format_args!("the report cannot be written: {error}"))
}

/// Creates a file that only its owner can read. An existing file is not overwritten.
pub fn made(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map(BufWriter::new)
        .map_err(|error| Failure::failed(format_args!("cannot create {}: {error}", path.display())))
}

/// Reads rows on a separate thread, a few batches ahead of the import.
fn reading(
    rows: Box<dyn Rows + Send>,
    rules: ImportRules,
) -> Result<Receiver<BatchResult>, Failure> {
    let (sender, batches) = mpsc::channel(AHEAD);
    let reading = std::thread::Builder::new()
        .name("authd-reading".to_owned())
        .spawn(move || read(rows, &rules, &sender));
    reading.map_err(|error| Failure::failed(format_args!("a thread could not start: {error}")))?;
    Ok(batches)
}

fn read(mut rows: Box<dyn Rows + Send>, rules: &ImportRules, sender: &Sender<BatchResult>) {
    loop {
        let mut drafts = Vec::with_capacity(BATCH);
        let mut failed = None;
        while drafts.len() < BATCH {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    failed = Some(format!("the file could not be read further: {error}"));
                    break;
                }
            };
            match row.read.map(|fields| rules.read(&fields)) {
                Ok(Ok(read)) => drafts.push(Draft { line: row.line, read }),
                Err(why) => {
                    drafts.push(Draft { line: row.line, read: Err(ImportReason::Unreadable(why)) });
                }
                Ok(Err(error)) => {
                    failed = Some(error.chain());
                    break;
                }
            }
        }
        let is_last = drafts.len() < BATCH;
        let batch = Batch { drafts, position: rows.position(), unused: rows.unused() };
        // The import may have ended early.
        if sender.blocking_send(Ok(batch)).is_err() {
            return;
        }
        if let Some(why) = failed {
            let _ = sender.blocking_send(Err(why));
            return;
        }
        if is_last {
            return;
        }
    }
}
