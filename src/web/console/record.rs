//! The security record of all accounts: filtered, followed, and as a file.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::http::server::audit_file::{self, AuditFormat};
use crate::identity::audit::log::{self, AuditExport, AuditFilter, AuditRow};
use crate::model::event::What;
use crate::model::{AccountId, Device, EventOutcome, percent};
use crate::web::console::accounts::{file, page_of};
use crate::web::console::cells;
use crate::web::console::filters::{day, day_after};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::AUDIT;
use crate::web::time::Moment;
use crate::web::visit::json;

/// Entries on a page.
const ON_PAGE: i64 = 13;
/// The most entries in an answer to the script that follows.
const AT_ONCE: i64 = 100;
/// The longest ID in a filter.
const LONGEST_ID: usize = 64;

/// The record.
#[derive(Template)]
#[template(path = "pages/console/record.html")]
struct AuditPageView<'a> {
    frame: ConsoleFrame<'a>,
    account: String,
    /// The events, with their words and whether it is the chosen one.
    events: Vec<(&'static str, String, bool)>,
    outcomes: Vec<(&'static str, bool)>,
    since: String,
    until: String,
    is_filtered: bool,
    records: Vec<RecordEntry>,
    /// The newest entry, which the script follows from.
    newest: Option<String>,
    query: String,
    older: Option<String>,
    file: String,
}

/// An entry.
pub(super) struct RecordEntry {
    pub(super) id: String,
    pub(super) what: String,
    pub(super) is_refused: bool,
    pub(super) is_marked: bool,
    pub(super) at: Moment,
    /// The page of the account that it is about, and its address or ID.
    pub(super) about: Option<(String, String)>,
    /// Who did it, if it is not the account itself.
    pub(super) actor: Option<(Option<String>, String)>,
    pub(super) client: String,
    pub(super) detail: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) count: i64,
}

/// The entries with the addresses of accounts.
pub(super) async fn entries(
    visit: &ConsoleVisit,
    records: &[AuditRow],
) -> Result<Vec<RecordEntry>> {
    let names = log::addresses(visit.core(), records).await?;
    let link = |id: &String| {
        let name = names.get(id);
        (name.map(|_| page_of(id)), name.unwrap_or(id).clone())
    };
    let entry = |record: &AuditRow| {
        let actor =
            record.actor.as_ref().filter(|actor| Some(*actor) != record.account_id.as_ref());
        let device = record.user_agent.as_deref().map(|agent| Device::of(Some(agent)).label());
        let client = [record.client_ip.clone(), device].into_iter().flatten();
        RecordEntry {
            id: record.id.clone(),
            what: cells::words(&record.event),
            is_refused: record.outcome == EventOutcome::Refused.as_str(),
            is_marked: cells::is_marked(record),
            at: cells::time(record.at),
            about: record.account_id.as_ref().map(|id| (page_of(id), link(id).1)),
            actor: actor.map(link),
            client: client.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
            detail: record.detail.clone(),
            reason: record.reason.clone(),
            count: record.count,
        }
    };
    Ok(records.iter().map(entry).collect())
}

/// What the query asks for.
struct RecordQuery {
    account: String,
    event: Option<&'static str>,
    outcome: Option<&'static str>,
    /// Days such as `2026-11-30`, in UTC.
    since: String,
    until: String,
}

impl RecordQuery {
    fn of(visit: &ConsoleVisit) -> Self {
        let given = |name| visit.parameter(name).unwrap_or_default().trim().to_owned();
        let event = given("event");
        let outcome = given("outcome");
        let outcomes = [EventOutcome::Done, EventOutcome::Refused].map(EventOutcome::as_str);
        Self {
            account: given("account").chars().take(LONGEST_ID).collect(),
            event: What::ALL.iter().map(|what| what.as_str()).find(|name| *name == event),
            outcome: outcomes.into_iter().find(|name| *name == outcome),
            since: given("since"),
            until: given("until"),
        }
    }

    /// The filter, for the account with this ID or address.
    async fn filter(&self, visit: &ConsoleVisit) -> Result<AuditFilter> {
        let account = match self.account.as_str() {
            "" => None,
            name if name.contains('@') => {
                let found = crate::identity::admin::accounts::find(visit.core(), name).await;
                let id = found.map(|entry| entry.account.id);
                Some(id.unwrap_or_else(|_| AccountId::new(name)))
            }
            id => Some(AccountId::new(id)),
        };
        Ok(AuditFilter {
            about: None,
            account,
            event: self.event.map(str::to_owned),
            outcome: self.outcome.map(str::to_owned),
            since: day(&self.since),
            until: day_after(&self.until),
        })
    }

    fn is_empty(&self) -> bool {
        self.pairs().is_empty()
    }

    fn pairs(&self) -> String {
        let all = [
            ("account", self.account.as_str()),
            ("event", self.event.unwrap_or_default()),
            ("outcome", self.outcome.unwrap_or_default()),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs = given.map(|(name, value)| format!("{name}={}", percent::encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// `GET /console/record`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = RecordQuery::of(visit);
    let before = visit.parameter("before").filter(|id| id.len() <= LONGEST_ID);
    let is_first = before.is_none();
    let filter = asked.filter(visit).await?;
    let (records, next) = log::newest(visit.core(), &filter, before, ON_PAGE).await?;
    let pairs = asked.pairs();
    let with = |path: &str, more: &str| {
        let joined = [pairs.as_str(), more].into_iter().filter(|part| !part.is_empty());
        let joined = joined.collect::<Vec<_>>().join("&");
        if joined.is_empty() { path.to_owned() } else { format!("{path}?{joined}") }
    };
    let outcomes = [EventOutcome::Done, EventOutcome::Refused].map(EventOutcome::as_str);
    let events = What::ALL.iter().map(|what| what.as_str());
    let view = AuditPageView {
        frame: visit.frame(visit.page.title),
        events: events.map(|name| (name, cells::words(name), Some(name) == asked.event)).collect(),
        outcomes: outcomes.map(|name| (name, Some(name) == asked.outcome)).to_vec(),
        is_filtered: !asked.is_empty(),
        newest: records.first().map(|record| record.id.clone()).filter(|_| is_first),
        older: next.map(|id| with(AUDIT, &format!("before={}", percent::encode(&id)))),
        file: with("/console/record/export", ""),
        query: pairs.clone(),
        records: entries(visit, &records).await?,
        account: asked.account,
        since: asked.since,
        until: asked.until,
    };
    visit.show(&view)
}

/// `GET /console/record/newer`: what the script of the page adds to it, as far as it is not there yet.
pub(super) async fn newer(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let after = visit.parameter("after").filter(|id| id.len() <= LONGEST_ID).unwrap_or_default();
    let filter = RecordQuery::of(visit).filter(visit).await?;
    let records = log::recent(visit.core(), &filter, after.clone(), AT_ONCE).await?;
    let newest = records.last().map(|record| record.id.clone()).filter(|id| *id > after);
    let entries = entries(visit, &records).await?;
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            serde_json::json!({
                "id": entry.id, "at": entry.at.iso, "what": entry.what, "refused": entry.is_refused,
                "marked": entry.is_marked, "about": entry.about,
                "actor": entry.actor.map(|(_, name)| name), "client": entry.client,
                "detail": entry.detail, "reason": entry.reason, "count": entry.count,
            })
        })
        .collect();
    Ok(json(&serde_json::json!({ "newest": newest, "entries": entries })))
}

/// `GET /console/record/export`
pub(super) async fn export(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let filter = RecordQuery::of(visit).filter(visit).await?;
    let (core, format) = (visit.core().clone(), AuditFormat::Csv);
    let export = AuditExport::begin(&core, &visit.by(), filter).await?;
    let body = audit_file::body(core, export, format);
    Ok(file("security-record.csv", format.media_type(), body))
}
