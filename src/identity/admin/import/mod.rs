//! Imports accounts from an old backend. Ids, password hashes and dates stay as they were.
//!
//! Rows come in batches. Each row is written, found to exist already, or refused with a reason, and
//! no row stops another. The command line reads the files. While a server is running, the writes
//! are small and the store pauses between them.

mod candidate;
mod column;
mod identity;
mod reason;
mod value;

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use crate::env::Env;
use crate::error::{Detail, Result};
use crate::identity::Core;
use crate::identity::access::actor;
use crate::identity::admin::import::candidate::AccountReference;
use crate::identity::admin::search;
use crate::identity::audit::log::AuditLog;
use crate::identity::provider::usable;
use crate::model::event::What;
use crate::model::{Email, Event, Source, Time, role};
use crate::store;
use crate::store::db::Db;

pub use crate::identity::admin::import::candidate::{Candidate, ImportRules};
pub use crate::identity::admin::import::column::{ColumnMeaning, Fields, ImportColumn};
pub use crate::identity::admin::import::reason::{ImportReason, PasswordGap, UniqueName};

/// Rows written between two checks of the clock.
const CHUNK: usize = 32;
/// How long one write may take while a server is running, without its commit.
const BESIDE_A_SERVER: Duration = Duration::from_millis(8);
/// How long one write may take while no server is running. The rows of a file are spread over the
/// whole database, so the longer a write is, the fewer pages are written more than once.
const ALONE: Duration = Duration::from_millis(500);

/// What the operator decides about an import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Check everything, write nothing.
    pub dry_run: bool,
    /// Roles to keep although they have more permissions than the default role.
    pub allowed_roles: Vec<String>,
    /// Count addresses as verified if the file does not say.
    pub assume_verified: bool,
    /// Import accounts that have no password, or whose hash is of no use here.
    pub without_passwords: bool,
}

/// A row as read: its line and the result.
pub struct Draft {
    pub line: u64,
    /// The account, or the reason for refusing the row.
    pub read: std::result::Result<Candidate, ImportReason>,
}

/// A note about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub line: u64,
    /// Whether the row was refused or imported in part.
    pub outcome: Remarked,
    pub reason: ImportReason,
}

/// The result of a row that needs a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remarked {
    Refused,
    /// Imported, but without everything that the row contained.
    Changed,
}

/// The counts of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub rows: u64,
    /// Accounts created, or that a dry run would create.
    pub imported: u64,
    /// Accounts that already existed with the same id and address.
    pub present: u64,
    /// Accounts that an earlier import left without a password and that got it now, or would get it.
    pub repaired: u64,
    pub refused: u64,
    /// Imported accounts that lack something the row contained.
    pub changed: u64,
}

/// The result of one candidate.
enum ImportOutcome {
    Imported,
    Present,
    /// It was there without the password that the row has.
    Repaired,
    Refused(ImportReason),
}

/// A running import.
pub struct ImportRun<'a> {
    core: &'a Core,
    options: Options,
    rules: ImportRules,
    /// The line where this file first used an address (in a dry run, any other name too), by hash.
    seen: HashMap<u64, u64>,
    hasher: RandomState,
    /// Whether to look rows up before writing them: at first, and while a batch contains existing
    /// accounts.
    looks: bool,
    log: AuditLog,
    /// The id of the import's only audit record.
    record: String,
    summary: Summary,
}

impl<'a> ImportRun<'a> {
    /// Begins an import.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn begin(core: &'a Core, options: Options, source: &Source) -> Result<Self> {
        let all = core.store.read(|db| store::tables::roles::all_permissions(db)).await?;
        let of = |name: &str| -> BTreeSet<String> {
            all.iter()
                .filter(|(role, _)| role == name)
                .map(|(_, permission)| permission.clone())
                .collect()
        };
        let everybodys = of(role::DEFAULT);
        let roles: BTreeSet<String> = all.iter().map(|(role, _)| role.clone()).collect();
        if let Some(unknown) = options.allowed_roles.iter().find(|name| !roles.contains(*name)) {
            return Err(Detail::UnknownRole(unknown.clone()).into());
        }
        let is_withheld = |name: &&String| {
            !options.allowed_roles.contains(name) && !of(name).is_subset(&everybodys)
        };
        let rules = ImportRules {
            withheld: roles.iter().filter(is_withheld).cloned().collect(),
            roles,
            unsaid_is_proved: options.assume_verified,
            without_passwords: options.without_passwords,
            addresses: core.address_policy(),
            providers: Arc::new(usable::all(core).await?),
            env: core.env.clone(),
        };
        let (seen, hasher, summary) = (HashMap::new(), RandomState::new(), Summary::default());
        let (log, record) = (AuditLog::new(core, source), core.env.new_id()?);
        Ok(Self { core, options, rules, seen, hasher, looks: true, log, record, summary })
    }

    /// The rules for reading rows, usable on any thread.
    #[must_use]
    pub fn rules(&self) -> ImportRules {
        self.rules.clone()
    }

    /// The counts so far.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Imports the next rows. Returns when the result of each row is known.
    ///
    /// # Errors
    /// `Unavailable`; earlier writes stay.
    pub async fn add(&mut self, drafts: Vec<Draft>) -> Result<Vec<Remark>> {
        let mut remarks = Vec::new();
        let (mut lines, mut candidates) = (Vec::new(), Vec::new());
        for Draft { line, read } in drafts {
            self.summary.rows += 1;
            match read.and_then(|candidate| self.first_of_its_name(line, candidate)) {
                Ok(candidate) => {
                    lines.push(line);
                    candidates.push(candidate);
                }
                Err(reason) => self.count(line, ImportOutcome::Refused(reason), &[], &mut remarks),
            }
        }
        let candidates = Arc::new(candidates);
        let mut known = self.look(&candidates).await?;
        if !self.options.dry_run {
            // A repair has to be written, as a new account has.
            let repairs =
                known.iter_mut().filter(|one| matches!(one, Some(ImportOutcome::Repaired)));
            repairs.for_each(|one| *one = None);
        }
        let free: Vec<usize> =
            known.iter().enumerate().filter(|(_, one)| one.is_none()).map(|(at, _)| at).collect();
        let written = if self.options.dry_run {
            free.iter().map(|_| ImportOutcome::Imported).collect()
        } else {
            self.write(&candidates, &free).await?
        };
        self.looks = known
            .iter()
            .flatten()
            .chain(&written)
            .any(|outcome| matches!(outcome, ImportOutcome::Present | ImportOutcome::Repaired));
        let mut written = written.into_iter();
        for ((line, candidate), known) in lines.into_iter().zip(candidates.iter()).zip(known) {
            if let Some(outcome) = known.or_else(|| written.next()) {
                self.count(line, outcome, &candidate.notes, &mut remarks);
            }
        }
        Ok(remarks)
    }

    /// Ends the import. If anything was changed, writes the counts to its audit record.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn finish(self) -> Result<Summary> {
        let Summary { imported, present, repaired, refused, .. } = self.summary;
        if imported + repaired > 0 && !self.options.dry_run {
            let added = match repaired {
                0 => String::new(),
                _ => format!(", {repaired} got their password"),
            };
            let event = event(format!(
                "{imported} imported, {present} there already, {refused} refused{added}"
            ));
            let (log, record) = (self.log, self.record);
            self.core.store.write(move |db| log.keep(db, &record, &event)).await?;
            // A server that has the database open does this in the background.
            if !self.core.store.is_served() {
                search::extend_index(self.core).await?;
            }
        }
        Ok(self.summary)
    }

    /// Refuses a row whose names this file has used before.
    fn first_of_its_name(
        &mut self,
        line: u64,
        candidate: Candidate,
    ) -> std::result::Result<Candidate, ImportReason> {
        let account = &candidate.row.account;
        let email = candidate.email.as_ref().map(|email| email.key().to_owned());
        let mut names: Vec<_> = email.map(|key| (UniqueName::Address, key)).into_iter().collect();
        // Outside a dry run the database itself detects duplicates of the other names.
        if self.options.dry_run {
            names.extend(candidate.row.username_key.clone().map(|key| (UniqueName::Username, key)));
            names.extend(
                (candidate.named == AccountReference::Id)
                    .then(|| (UniqueName::Id, account.id.to_string())),
            );
            names.extend(candidate.number.map(|number| (UniqueName::Number, number.to_string())));
            names.extend(
                (candidate.identities.iter())
                    .map(|one| (UniqueName::Identity, format!("{} {}", one.issuer, one.subject))),
            );
        }
        for name in names {
            match self.seen.entry(self.hasher.hash_one(&name)) {
                Entry::Occupied(first) => {
                    return Err(ImportReason::Repeated { name: name.0, line: *first.get() });
                }
                Entry::Vacant(place) => place.insert(line),
            };
        }
        Ok(candidate)
    }

    /// Looks the candidates up before anything is written; `None` for one that can be written.
    async fn look(&self, candidates: &Arc<Vec<Candidate>>) -> Result<Vec<Option<ImportOutcome>>> {
        if !self.looks && !self.options.dry_run {
            return Ok(candidates.iter().map(|_| None).collect());
        }
        let (candidates, now) = (candidates.clone(), self.core.env.now());
        self.core
            .store
            .scan(move |db| candidates.iter().map(|one| obstacle(db, one, now)).collect())
            .await
    }

    async fn write(
        &self,
        candidates: &Arc<Vec<Candidate>>,
        free: &[usize],
    ) -> Result<Vec<ImportOutcome>> {
        let mut outcomes: Vec<ImportOutcome> = Vec::with_capacity(free.len());
        while let Some(left) = free.get(outcomes.len()..).filter(|left| !left.is_empty()) {
            let piece = ImportChunk {
                candidates: candidates.clone(),
                places: left.to_vec(),
                budget: if self.core.store.is_served() { BESIDE_A_SERVER } else { ALONE },
                env: self.core.env.clone(),
                log: self.log.clone(),
                record: self.record.clone(),
                before: self.summary.imported + imported_of(&outcomes),
            };
            outcomes.extend(self.core.store.write(move |db| piece.write(db)).await?);
        }
        Ok(outcomes)
    }

    fn count(
        &mut self,
        line: u64,
        outcome: ImportOutcome,
        notes: &[ImportReason],
        remarks: &mut Vec<Remark>,
    ) {
        let mut remark = |reason, outcome| remarks.push(Remark { line, outcome, reason });
        match outcome {
            ImportOutcome::Present => self.summary.present += 1,
            ImportOutcome::Repaired => self.summary.repaired += 1,
            ImportOutcome::Refused(reason) => {
                self.summary.refused += 1;
                remark(reason, Remarked::Refused);
            }
            ImportOutcome::Imported => {
                self.summary.imported += 1;
                self.summary.changed += u64::from(!notes.is_empty());
                for note in notes {
                    remark(note.clone(), Remarked::Changed);
                }
            }
        }
    }
}

/// Why a candidate cannot be written; `None` if it can.
fn obstacle(db: &mut dyn Db, candidate: &Candidate, now: Time) -> Result<Option<ImportOutcome>> {
    let account = &candidate.row.account;
    let refused = |reason| Ok(Some(ImportOutcome::Refused(reason)));
    let key = candidate.email.as_ref().map(Email::key);
    let holder = match key {
        Some(key) => store::tables::transfer::find_by_email(db, key)?,
        None if is_connected_to_it(db, candidate)? => return Ok(Some(ImportOutcome::Present)),
        None => None,
    };
    if let Some(holder) = holder {
        let is_same = match candidate.named {
            AccountReference::Id => holder.id == account.id,
            AccountReference::Number => Some(holder.number) == candidate.number,
            AccountReference::Address => true,
        };
        return match (holder.deleted_at, is_same) {
            (Some(_), _) => refused(ImportReason::AddressOfDeleted),
            (None, true)
                if holder.lacks_password
                    && account.password_hash.is_some()
                    && (holder.email_verified_at.is_none()
                        || account.email_verified_at.is_some()) =>
            {
                Ok(Some(ImportOutcome::Repaired))
            }
            (None, true) => Ok(Some(ImportOutcome::Present)),
            (None, false) => refused(ImportReason::AddressTaken(holder.number)),
        };
    }
    if is_kept(db, candidate, now)? {
        return refused(ImportReason::AddressReserved);
    }
    if candidate.named == AccountReference::Id
        && store::tables::transfer::find_by_id(db, &account.id)?.is_some()
    {
        return refused(ImportReason::IdTaken);
    }
    if let Some(number) = candidate.number
        && let Some(holder) = store::tables::transfer::find_by_number(db, number)?
    {
        return refused(ImportReason::NumberTaken(holder.id));
    }
    if let Some(key) = &candidate.row.username_key
        && store::tables::accounts::is_username_taken(db, key, &account.id, now)?
    {
        return refused(ImportReason::UsernameTaken);
    }
    match connected_elsewhere(db, candidate)? {
        Some(provider) => refused(ImportReason::IdentityTaken(provider)),
        None => Ok(None),
    }
}

/// Whether the address is reserved for an account that has just given it up.
fn is_kept(db: &mut dyn Db, candidate: &Candidate, now: Time) -> Result<bool> {
    let (id, email) = (&candidate.row.account.id, candidate.email.as_ref());
    email.map_or(Ok(false), |email| store::tables::links::is_address_kept(db, email.key(), id, now))
}

/// Whether a row without an address is there already: its identities lead to the account that it
/// names.
fn is_connected_to_it(db: &mut dyn Db, candidate: &Candidate) -> Result<bool> {
    for one in &candidate.identities {
        let known = store::tables::identities::find(db, &one.issuer, &one.subject)?;
        let Some(known) = known else { return Ok(false) };
        let is_same = match candidate.named {
            AccountReference::Id => known.account == candidate.row.account.id,
            AccountReference::Number => {
                let account = store::tables::transfer::find_by_id(db, &known.account)?;
                account.map(|account| account.number) == candidate.number
            }
            AccountReference::Address => true,
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The provider of an identity that is connected to another account.
fn connected_elsewhere(db: &mut dyn Db, candidate: &Candidate) -> Result<Option<String>> {
    for one in &candidate.identities {
        if store::tables::identities::find(db, &one.issuer, &one.subject)?.is_some() {
            return Ok(Some(one.provider.clone()));
        }
    }
    Ok(None)
}

/// The part of a batch that one write handles.
struct ImportChunk {
    candidates: Arc<Vec<Candidate>>,
    places: Vec<usize>,
    budget: Duration,
    env: Env,
    log: AuditLog,
    record: String,
    /// Accounts that earlier writes imported.
    before: u64,
}

impl ImportChunk {
    /// Writes rows until the budget is used up and returns their results. The next write handles
    /// the rest.
    fn write(&self, db: &mut dyn Db) -> Result<Vec<ImportOutcome>> {
        let now = self.env.now();
        let mut outcomes = Vec::new();
        for places in self.places.chunks(CHUNK) {
            let rows: Vec<&Candidate> =
                places.iter().filter_map(|&at| self.candidates.get(at)).collect();
            write_chunk(db, &rows, now, &mut outcomes)?;
            if self.env.now().since(now) >= self.budget {
                break;
            }
        }
        let imported = imported_of(&outcomes);
        let is_change =
            |o: &ImportOutcome| matches!(o, ImportOutcome::Imported | ImportOutcome::Repaired);
        if outcomes.iter().any(is_change) {
            let event = event(format!("begun, {} imported so far", self.before + imported));
            self.log.keep(db, &self.record, &event)?;
        }
        Ok(outcomes)
    }
}

fn event(detail: String) -> Event {
    Event::done(What::AccountsImported).by(actor::COMMAND_LINE).because(detail)
}

fn imported_of(outcomes: &[ImportOutcome]) -> u64 {
    outcomes.iter().map(|outcome| u64::from(matches!(outcome, ImportOutcome::Imported))).sum()
}

fn write_chunk(
    db: &mut dyn Db,
    rows: &[&Candidate],
    now: Time,
    outcomes: &mut Vec<ImportOutcome>,
) -> Result<()> {
    if let Some(highest) = rows.iter().filter_map(|candidate| candidate.number).max() {
        store::tables::transfer::pass_number(db, highest)?;
    }
    let unnumbered = rows.iter().filter(|candidate| candidate.number.is_none()).count();
    let mut next = match i64::try_from(unnumbered).unwrap_or(0) {
        0 => 0,
        count => store::tables::transfer::draw_numbers(db, count)?,
    };
    for candidate in rows {
        let number = candidate.number.unwrap_or(next);
        next += i64::from(candidate.number.is_none());
        let is_new = insert(db, candidate, number, now)?;
        outcomes.push(if is_new {
            ImportOutcome::Imported
        } else {
            let unexplained = || ImportOutcome::Refused(ImportReason::Conflict);
            match obstacle(db, candidate, now)? {
                Some(ImportOutcome::Repaired) => repair(db, candidate, now)?,
                other => other.unwrap_or_else(unexplained),
            }
        });
    }
    Ok(())
}

/// Inserts an account with its roles. Returns false if one of its names is taken or reserved.
fn insert(db: &mut dyn Db, candidate: &Candidate, number: i64, now: Time) -> Result<bool> {
    let (row, account) = (&candidate.row, &candidate.row.account);
    let is_held = is_kept(db, candidate, now)?
        || match &row.username_key {
            Some(key) => store::tables::accounts::is_username_taken(db, key, &account.id, now)?,
            None => false,
        }
        || connected_elsewhere(db, candidate)?.is_some();
    if is_held || !store::tables::accounts::insert_numbered(db, number, row)? {
        return Ok(false);
    }
    for role in &candidate.roles {
        store::tables::roles::give(db, &account.id, role)?;
    }
    for identity in &candidate.identities {
        store::tables::identities::insert(db, identity)?;
    }
    Ok(true)
}

/// Gives an account the password that an earlier import left out.
fn repair(db: &mut dyn Db, candidate: &Candidate, now: Time) -> Result<ImportOutcome> {
    let is_done = store::tables::transfer::add_password(db, &candidate.row, now)?;
    Ok(if is_done { ImportOutcome::Repaired } else { ImportOutcome::Present })
}
