//! The list of accounts: searched, filtered, page by page, and as a file.

use askama::Template;
use futures_util::stream;
use poem::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use poem::{Body, Response};

use crate::error::Result;
use crate::http::server::failure::cut_off;
use crate::identity::Core;
use crate::identity::admin::accounts::{AccountFilter, AccountWithRoles};
use crate::identity::admin::search::Wanted;
use crate::identity::admin::{accounts, search};
use crate::model::{Permission, SearchText, Status, Time, percent, text};
use crate::web::console::cells::{self, Tag};
use crate::web::console::desk::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;
use crate::web::time::Moment;

/// Accounts on a page.
const ON_PAGE: i64 = 25;
/// The most characters of a search.
const LONGEST_SEARCH: usize = 255;
/// The most matches of a search in a file, which is as many as a search counts.
const MOST_MATCHES: i64 = 10_000;
/// Accounts in a piece of a file.
const PIECE: i64 = 500;

/// The states to choose from.
const STATES: [Status; 4] = [Status::Active, Status::Pending, Status::Suspended, Status::Deleted];

/// The list.
#[derive(Template)]
#[template(path = "pages/console/accounts.html")]
struct AccountsView<'a> {
    frame: ConsoleFrame<'a>,
    search: &'a str,
    /// The states, with whether it is the chosen one.
    states: Vec<(&'static str, bool)>,
    rows: Vec<AccountLine>,
    summary: String,
    is_filtered: bool,
    may_create: bool,
    /// What can be done to several, as the last part of the path and words.
    bulk: Vec<(&'static str, &'static str)>,
    pages: Vec<(String, &'static str)>,
    file: String,
}

struct AccountLine {
    id: String,
    path: String,
    label: String,
    name: String,
    state: Tag,
    roles: String,
    created: Moment,
    last_login: Option<Moment>,
}

/// What the query asks for.
struct Asked {
    search: String,
    status: Option<Status>,
    page: i64,
}

impl Asked {
    fn of(visit: &ConsoleVisit) -> Self {
        let search = visit.parameter("q").unwrap_or_default();
        let status = visit.parameter("state");
        let page = visit.parameter("page").and_then(|page| page.parse().ok());
        Self {
            search: search.trim().chars().take(LONGEST_SEARCH).collect(),
            status: STATES.into_iter().find(|state| Some(state.as_str()) == status.as_deref()),
            page: page.unwrap_or(1).clamp(1, i64::from(u32::MAX)),
        }
    }

    fn search(&self) -> Option<String> {
        SearchText::parse(&self.search).map(|_| self.search.clone())
    }

    fn wanted(&self) -> Wanted {
        let Self { page, status, .. } = *self;
        Wanted { page, limit: ON_PAGE, status, search: self.search() }
    }

    /// The path of a page with the same filter.
    fn path(&self, path: &str, page: i64) -> String {
        let mut pairs = Vec::new();
        if !self.search.is_empty() {
            pairs.push(format!("q={}", percent::encode(&self.search)));
        }
        pairs.extend(self.status.map(|state| format!("state={}", state.as_str())));
        if page > 1 {
            pairs.push(format!("page={page}"));
        }
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// `GET /console/accounts`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = Asked::of(visit);
    let found = search::page(visit.core(), &asked.wanted()).await?;
    let last = ((found.total + ON_PAGE - 1) / ON_PAGE).max(1);
    let before =
        (asked.page > 1).then(|| (asked.path(ACCOUNTS, (asked.page - 1).min(last)), "Previous"));
    let after = (asked.page < last).then(|| (asked.path(ACCOUNTS, asked.page + 1), "Next"));
    let chosen = asked.status.map(Status::as_str);
    let count = cells::number(found.total);
    let view = AccountsView {
        frame: visit.frame(visit.page.title),
        states: STATES.map(|state| (state.as_str(), Some(state.as_str()) == chosen)).to_vec(),
        summary: match (found.total, found.has_more) {
            (_, true) => format!("The first {count} matches, page {} of {last}", asked.page),
            (1, _) => "1 account".to_owned(),
            (total, _) if total <= ON_PAGE => format!("{count} accounts"),
            _ => format!("{count} accounts, page {} of {last}", asked.page),
        },
        rows: found.entries.iter().map(|entry| line(visit.core(), entry)).collect(),
        is_filtered: asked.status.is_some() || !asked.search.is_empty(),
        bulk: bulk(visit),
        may_create: visit.may(Permission::UsersWrite),
        pages: before.into_iter().chain(after).collect(),
        file: asked.path("/console/accounts/export", 1),
        search: &asked.search,
    };
    visit.show(&view)
}

/// The actions on several accounts that the administrator may use.
fn bulk(visit: &ConsoleVisit) -> Vec<(&'static str, &'static str)> {
    let all = [
        (Permission::UsersWrite, ("end-sessions", "End sessions")),
        (Permission::UsersSuspend, ("suspend", "Suspend")),
        (Permission::UsersSuspend, ("reinstate", "Lift suspension")),
    ];
    let offered = all.into_iter().filter(|(permission, _)| visit.may(*permission));
    offered.map(|(_, action)| action).collect()
}

/// The page of an account.
pub(super) fn page_of(id: &str) -> String {
    format!("{ACCOUNTS}/{}", percent::encode(id))
}

fn line(core: &Core, entry: &AccountWithRoles) -> AccountLine {
    let account = &entry.account;
    let names = [account.full_name(), account.username.clone()];
    AccountLine {
        id: account.id.to_string(),
        path: page_of(account.id.as_str()),
        label: cells::label(account),
        name: names.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        state: cells::state(core, account),
        roles: entry.roles.join(", "),
        created: cells::time(account.created_at),
        last_login: account.last_login_at.map(cells::time),
    }
}

/// `GET /console/accounts/export`
pub(super) async fn export(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = Asked::of(visit);
    let core = visit.core().clone();
    let heading = stream::iter([Ok::<_, std::io::Error>(format!("{}\r\n", NAMES.join(",")))]);
    let body = if let Some(text) = asked.search() {
        let wanted =
            Wanted { page: 1, limit: MOST_MATCHES, status: asked.status, search: Some(text) };
        let found = search::page(&core, &wanted).await?;
        let lines = found.entries.iter().map(|entry| csv_line(&core, entry)).collect();
        Body::from_bytes_stream(futures_util::StreamExt::chain(heading, stream::iter([Ok(lines)])))
    } else {
        let status = asked.status.map(|state| state.as_str().to_owned());
        let filter = AccountFilter { status, search: None };
        let pieces = stream::try_unfold(
            (core, filter, Some(String::new())),
            |(core, filter, after)| async move {
                let Some(after) = after else { return Ok(None) };
                let entries = accounts::list(&core, &filter, Some(&after), PIECE).await;
                let entries = entries.map_err(cut_off)?;
                let next = entries.last().map(|entry| entry.account.id.to_string());
                let lines: String = entries.iter().map(|entry| csv_line(&core, entry)).collect();
                Ok((!lines.is_empty()).then_some((lines, (core, filter, next))))
            },
        );
        Body::from_bytes_stream(futures_util::StreamExt::chain(heading, pieces))
    };
    Ok(file("accounts.csv", "text/csv; charset=utf-8", body))
}

/// An answer that browsers keep as a file.
pub(super) fn file(name: &str, media_type: &str, body: Body) -> Response {
    Response::builder()
        .header(CONTENT_TYPE, media_type)
        .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .header(CACHE_CONTROL, "no-store")
        .body(body)
}

const NAMES: [&str; 10] = [
    "id",
    "email",
    "username",
    "firstName",
    "lastName",
    "status",
    "emailVerified",
    "roles",
    "createdAt",
    "lastLogin",
];

/// Quotes every value. A leading apostrophe keeps spreadsheets from reading a value as a formula.
fn csv_line(core: &Core, entry: &AccountWithRoles) -> String {
    let account = &entry.account;
    let cells: [String; NAMES.len()] = [
        account.id.to_string(),
        account.email_text().unwrap_or_default(),
        account.username.clone().unwrap_or_default(),
        account.first_name.clone().unwrap_or_default(),
        account.last_name.clone().unwrap_or_default(),
        account.status(core.verification()).as_str().to_owned(),
        account.email_verified_at.is_some().to_string(),
        entry.roles.join(" "),
        account.created_at.to_seconds_text(),
        account.last_login_at.map(Time::to_seconds_text).unwrap_or_default(),
    ];
    let quoted =
        cells.map(|value| format!("\"{}\"", text::guard_formula(&value).replace('"', "\"\"")));
    format!("{}\r\n", quoted.join(","))
}
