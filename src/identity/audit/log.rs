//! The audit log: writes records inside the write of the change they describe, and reads them back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::env::Env;
use crate::error::Result;
use crate::identity::access::actor::{self, By};
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::alert::{AlertKind, Alerts};
use crate::identity::audit::refusals::Refusals;
use crate::identity::{Caller, Core};
use crate::metrics::Metrics;
use crate::model::event::What;
use crate::model::series::{Series, hour_of};
use crate::model::{AccountId, Barrier, Event, LanguageTag, Permission, Source, Time};
use crate::store;
use crate::store::db::Db;

/// Refusals of one kind within this time share a record.
const MINUTE: Duration = Duration::from_mins(1);

/// How many of the same events in a minute have a record each.
const FREQUENT: i64 = 10;

/// Writes the records of one operation, all with the same time and source.
#[derive(Clone)]
pub struct AuditLog {
    env: Env,
    metrics: Metrics,
    refusals: Refusals,
    alerts: Arc<Alerts>,
    at: Time,
    source: Source,
}

impl AuditLog {
    /// Begins the log of an operation that happens now.
    #[must_use]
    pub fn new(core: &Core, source: &Source) -> Self {
        let (env, metrics, refusals) =
            (core.env.clone(), core.metrics.clone(), core.refusals.clone());
        let alerts = core.alerts.clone();
        Self { at: env.now(), env, metrics, refusals, alerts, source: source.clone() }
    }

    /// The time of the operation.
    #[must_use]
    pub fn at(&self) -> Time {
        self.at
    }

    /// The language of the client that the operation is for.
    #[must_use]
    pub fn language(&self) -> Option<LanguageTag> {
        self.source.language
    }

    /// Writes one record.
    pub fn record(&self, db: &mut dyn Db, event: &Event) -> Result<()> {
        store::tables::audit::insert(db, &self.env.new_id()?, self.at, event, &self.source)?;
        self.count(db, event);
        Ok(())
    }

    /// Counts an event in the metrics, once it is committed.
    fn count(&self, db: &mut dyn Db, event: &Event) {
        let (metrics, event, at) = (self.metrics.clone(), event.clone(), self.at);
        db.after_commit(Box::new(move || metrics.note_event(&event, at)));
    }

    /// Records a refusal that the owner of an account can cause again and again: one record a minute for
    /// each account and reason, with a count.
    pub fn record_refusal(&self, db: &mut dyn Db, event: &Event) -> Result<()> {
        if !store::tables::audit::count_refusal(db, self.at - MINUTE, event, &self.source)? {
            return self.record(db, event);
        }
        self.count(db, event);
        Ok(())
    }

    /// Records something that the owner of an account can do again and again: from the eleventh time in a
    /// minute and from one client IP on, one of the records counts it.
    pub fn record_frequent(&self, db: &mut dyn Db, event: &Event) -> Result<()> {
        let since = self.at - MINUTE;
        if !store::tables::audit::count_frequent(db, since, event, &self.source, FREQUENT)? {
            return self.record(db, event);
        }
        self.count(db, event);
        Ok(())
    }

    /// Notes that the owner of an account uses it, for the counts of active accounts.
    pub fn note_active(&self, db: &mut dyn Db, account: &AccountId) -> Result<()> {
        let hour = hour_of(self.at);
        let last = store::tables::activity::note_active(db, account, hour)?;
        if last != Some(hour) {
            let (metrics, at) = (self.metrics.clone(), self.at);
            let count = move || metrics.note_active(Series::of_activity(hour, last), at);
            db.after_commit(Box::new(count));
        }
        Ok(())
    }

    /// Reports an event to the operator, once per episode. Call it with the record of the event.
    pub fn alert(&self, db: &mut dyn Db, kind: AlertKind) -> Result<()> {
        self.alerts.raise(db, kind, self.at, &self.source)
    }

    /// Notes that a limit refused this login target. The record is written at the end of the
    /// minute.
    pub fn refuse(&self, barrier: Barrier, subject: &LoginTarget) {
        self.refusals.note(barrier, self.source.client(), Some(subject), &self.source);
    }

    /// Writes or updates the only record of an operation that spans many writes. Each write
    /// replaces its detail.
    pub fn keep(&self, db: &mut dyn Db, id: &str, event: &Event) -> Result<()> {
        store::tables::audit::keep(db, id, self.at, event, &self.source)
    }
}

pub use crate::store::tables::audit::{AuditFilter, AuditRow, From};

/// Reads at most `limit` records that match the filter, beginning at `from`.
///
/// # Errors
/// `Unavailable`.
pub async fn read(
    core: &Core,
    filter: &AuditFilter,
    from: &From,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let (filter, from) = (filter.clone(), from.clone());
    core.store.scan(move |db| store::tables::audit::page(db, &filter, &from, limit)).await
}

/// The e-mail addresses of the accounts that these records are about, and of their actors, by id.
/// Deleted accounts have none.
///
/// # Errors
/// `Unavailable`.
pub async fn addresses(core: &Core, records: &[AuditRow]) -> Result<BTreeMap<String, String>> {
    let ids = records.iter().flat_map(|record| [&record.account_id, &record.actor]).flatten();
    let ids: BTreeSet<String> = ids.cloned().collect();
    core.store.scan(move |db| store::tables::audit::addresses(db, &ids)).await
}

/// Truncates a list to `limit`. If there was more, returns the id before which the next page
/// begins.
pub(in crate::identity) fn cut<T>(
    list: &mut Vec<T>,
    limit: i64,
    id: impl Fn(&T) -> String,
) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let is_more = list.len() > limit;
    list.truncate(limit);
    list.last().filter(|_| is_more).map(id)
}

/// Reads the newest records that match, before an id. Also returns the id before which the next
/// page begins.
///
/// # Errors
/// `Unavailable`.
pub async fn newest(
    core: &Core,
    filter: &AuditFilter,
    before: Option<String>,
    limit: i64,
) -> Result<(Vec<AuditRow>, Option<String>)> {
    let from = before.map_or(From::Newest, From::Before);
    let mut records = read(core, filter, &from, limit + 1).await?;
    let next = cut(&mut records, limit, |record| record.id.clone());
    Ok((records, next))
}

/// Reads the newest records about the caller's own account, without what the account did to others.
///
/// # Errors
/// `Unavailable`.
pub async fn own(
    core: &Core,
    caller: &Caller,
    before: Option<String>,
    limit: i64,
) -> Result<(Vec<AuditRow>, Option<String>)> {
    let (id, from) = (caller.account.id.clone(), before.map_or(From::Newest, From::Before));
    let mut records = core.store.scan(move |db| about(db, &id, &from, limit + 1)).await?;
    let next = cut(&mut records, limit, |record| record.id.clone());
    Ok((records, next))
}

/// Reads records about an account, as its owner may see them.
pub(in crate::identity) fn about(
    db: &mut dyn Db,
    account: &AccountId,
    from: &From,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let filter = AuditFilter { about: Some(account.clone()), ..AuditFilter::default() };
    let mut records = store::tables::audit::page(db, &filter, from, limit)?;
    for record in &mut records {
        redact_actor(record, account.as_str());
    }
    Ok(records)
}

/// Hides from the owner who else acted on the account, and from where.
fn redact_actor(record: &mut AuditRow, own: &str) {
    if record.actor.as_deref().is_some_and(|actor| actor != own) {
        record.actor = Some(actor::ADMINISTRATOR.to_owned());
        (record.client_ip, record.user_agent, record.request_id) = (None, None, None);
        record.reason = None;
    }
}

/// How long after a record with a later id one can still be committed: of several servers that share the
/// database, each has its own clock and commits by itself, and a statement may take 15 seconds.
const LATEST: Duration = Duration::from_secs(20);

/// Reads the records after an id, oldest first, and before them the latest ones up to that id, because one of
/// them may have been committed only now. Who asks repeatedly knows by their ids which ones are new.
///
/// # Errors
/// `Unavailable`.
pub async fn recent(
    core: &Core,
    filter: &AuditFilter,
    id: String,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let earliest = store::tables::audit::first_before(&id, LATEST);
    let mut records = read(core, filter, &From::Before(id.clone()), limit).await?;
    records.retain(|record| record.id > earliest);
    records.reverse();
    records.extend(read(core, filter, &From::After(id), limit).await?);
    Ok(records)
}

/// Follows the log: returns each record once, soon after it was written.
pub struct AuditFollower {
    filter: AuditFilter,
    /// The greatest id so far.
    last: String,
    /// The ids returned so far that are recent enough for a smaller id to be committed after them.
    seen: BTreeSet<String>,
}

impl AuditFollower {
    /// Begins after the record with this id, and those that are there before it; at the beginning of the
    /// log if it is empty.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn after(core: &Core, filter: AuditFilter, id: String) -> Result<Self> {
        let mut follower = Self { filter, last: id, seen: BTreeSet::new() };
        let mut from = store::tables::audit::first_before(&follower.last, LATEST);
        while from < follower.last {
            let found = read(core, &follower.filter, &From::After(from.clone()), PIECE).await?;
            let Some(last) = found.last() else { break };
            from.clone_from(&last.id);
            let before =
                found.into_iter().map(|record| record.id).filter(|id| *id <= follower.last);
            follower.seen.extend(before);
        }
        Ok(follower)
    }

    /// Returns the next records in the order of their ids, as far as they are there; empty if there are
    /// none yet.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next(&mut self, core: &Core) -> Result<Vec<AuditRow>> {
        let mut from = store::tables::audit::first_before(&self.last, LATEST);
        let (mut new, most) = (Vec::new(), usize::try_from(PIECE).unwrap_or(usize::MAX));
        loop {
            let found = read(core, &self.filter, &From::After(from.clone()), PIECE).await?;
            let is_end = found.len() < most;
            if let Some(last) = found.last() {
                from.clone_from(&last.id);
            }
            new.extend(found.into_iter().filter(|record| self.seen.insert(record.id.clone())));
            if is_end || new.len() >= most {
                break;
            }
        }
        if let Some(last) = self.seen.last().filter(|id| **id > self.last) {
            self.last.clone_from(last);
        }
        self.seen = self.seen.split_off(&store::tables::audit::first_before(&self.last, LATEST));
        Ok(new)
    }
}

/// Exports the whole log in pieces, oldest first, so that memory use does not depend on its length.
pub struct AuditExport {
    filter: AuditFilter,
    after: String,
}

/// Records per piece.
pub(in crate::identity) const PIECE: i64 = 500;

impl AuditExport {
    /// Begins an export. The audit log records that it was made.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`.
    pub async fn begin(core: &Core, by: &By, filter: AuditFilter) -> Result<Self> {
        let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
        core.store
            .write(move |db| {
                actor.needs(db, Permission::Audit)?;
                log.record(db, &Event::done(What::AuditExported).by(actor.name()))
            })
            .await?;
        Ok(Self { filter, after: String::new() })
    }

    /// Returns the next records; empty at the end.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next(&mut self, core: &Core) -> Result<Vec<AuditRow>> {
        let records = read(core, &self.filter, &From::After(self.after.clone()), PIECE).await?;
        if let Some(last) = records.last() {
            self.after.clone_from(&last.id);
        }
        Ok(records)
    }
}
