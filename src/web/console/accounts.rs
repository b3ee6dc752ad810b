//! The list of accounts: searched, filtered, page by page, and as a file.

use askama::Template;
use futures_util::stream;
use poem::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use poem::{Body, Response};

use crate::error::{Kind, Result};
use crate::http::server::failure::cut_off;
use crate::identity::Core;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::identity::admin::search;
use crate::identity::admin::search::{AccountPage, AccountPageQuery};
use crate::model::listing::{ListCount, ListSort};
use crate::model::{Permission, Time, percent, text};
use crate::web::console::cells::{self, Tag};
use crate::web::console::filters::{self, FilterChoices, ListQuery};
use crate::web::console::saved_searches::{self, SearchLine};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;
use crate::web::time::Moment;
use crate::web::visit::go;

/// Accounts on a page.
const ON_PAGE: i64 = 12;
/// Accounts in a piece of a file.
const PIECE: i64 = 2_000;

/// The list.
#[derive(Template)]
#[template(path = "pages/console/accounts.html")]
struct AccountsView<'a> {
    frame: ConsoleFrame<'a>,
    asked: &'a ListQuery,
    choices: FilterChoices,
    columns: Vec<ListColumn>,
    rows: Vec<AccountLine>,
    summary: String,
    /// How far the list was read, if few accounts match.
    looked_at: Option<String>,
    /// What can be done to several, as the last part of the path and words.
    bulk: Vec<(&'static str, &'static str)>,
    /// What can be done to all that match, as path and words.
    bulk_all: Vec<(String, &'static str)>,
    pages: Vec<(String, &'static str)>,
    file: String,
    searches: Vec<SearchLine>,
}

/// A column of the list.
struct ListColumn {
    name: &'static str,
    /// Where the list is sorted by it.
    path: Option<String>,
    /// `ascending` or `descending`, if it is.
    direction: Option<&'static str>,
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

/// `GET /console/accounts`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = ListQuery::of(visit);
    let found = match search::page(visit.core(), &asked.page(ON_PAGE)).await {
        // Nothing is before this place any more, or its account is gone: this is the first page.
        Ok(found) if found.entries.is_empty() && asked.goes_back() && found.looked_at.is_none() => {
            search::page(visit.core(), &asked.first_page(ON_PAGE)).await?
        }
        Err(error) if error.kind() == Kind::Validation => {
            search::page(visit.core(), &asked.first_page(ON_PAGE)).await?
        }
        other => other?,
    };
    // The search above every page leads on to the only account that it finds.
    if visit.parameter("go").is_some()
        && let ([only], None, None, None) =
            (&found.entries[..], &found.previous, &found.next, found.looked_at)
    {
        return Ok(go(&page_of(only.account.id.as_str())));
    }
    let view = AccountsView {
        frame: visit.frame(visit.page.title),
        choices: filters::choices(visit, &asked).await?,
        columns: columns(&asked),
        summary: summary(&found, &asked),
        looked_at: found.looked_at.map(|read| {
            let read = cells::number(i64::try_from(read).unwrap_or(i64::MAX));
            format!("{read} accounts were looked at for this page, and few of them match.")
        }),
        rows: found.entries.iter().map(|entry| line(visit.core(), entry)).collect(),
        bulk: bulk(visit),
        bulk_all: if asked.is_filtered() && found.next.is_some() {
            let all =
                |(action, words)| (asked.path(&format!("/console/bulk/{action}"), None), words);
            bulk(visit).into_iter().map(all).collect()
        } else {
            Vec::new()
        },
        pages: pages(&found, &asked),
        file: asked.path("/console/accounts/export", None),
        searches: saved_searches::lines(visit, &asked).await?,
        asked: &asked,
    };
    visit.show(&view)
}

fn columns(asked: &ListQuery) -> Vec<ListColumn> {
    let sorted = |name, sort| ListColumn {
        name,
        path: Some(asked.sorted(ACCOUNTS, sort)),
        direction: asked.direction_of(sort),
    };
    let plain = |name| ListColumn { name, path: None, direction: None };
    vec![
        sorted("Account", ListSort::Address),
        plain("State"),
        plain("Roles"),
        sorted("Last login", ListSort::LastLogin),
        sorted("Created", ListSort::Created),
    ]
}

/// The other pages.
fn pages(found: &AccountPage, asked: &ListQuery) -> Vec<(String, &'static str)> {
    let onwards = if found.looked_at.is_some() { "Look further" } else { "Next" };
    let first = found.previous.map(|_| (asked.path(ACCOUNTS, None), "First"));
    let before = found.previous.map(|start| (asked.path(ACCOUNTS, Some(start)), "Previous"));
    let after = found.next.map(|start| (asked.path(ACCOUNTS, Some(start)), onwards));
    [first, before, after].into_iter().flatten().collect()
}

/// How many accounts match.
fn summary(found: &AccountPage, asked: &ListQuery) -> String {
    let shown = i64::try_from(found.entries.len()).unwrap_or(i64::MAX);
    let without = if asked.order.sort == ListSort::Address {
        ", without those that have no address"
    } else {
        ""
    };
    match found.count {
        ListCount::Exactly(1) => format!("1 account{without}"),
        ListCount::Exactly(count) => format!("{} accounts{without}", cells::number(count)),
        ListCount::AtLeast(count) if asked.filter.search.is_some() => {
            format!("The first {} matches", cells::number(count))
        }
        ListCount::AtLeast(count) if asked.is_filtered() => {
            format!("At least {} accounts", cells::number(count))
        }
        ListCount::AtLeast(count) => format!("More than {} accounts", cells::number(count)),
        ListCount::Unknown => format!("{} more accounts", cells::number(shown)),
    }
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
    let wanted = ListQuery::of(visit).first_page(PIECE);
    let core = visit.core().clone();
    let heading = stream::iter([Ok::<_, std::io::Error>(format!("{}\r\n", NAMES.join(",")))]);
    let pieces = stream::try_unfold((core, Some(wanted)), |(core, wanted)| async move {
        let Some(wanted) = wanted else { return Ok(None) };
        let found = search::page(&core, &wanted).await.map_err(cut_off)?;
        let lines: String = found.entries.iter().map(|entry| csv_line(&core, entry)).collect();
        let next = found.next.map(|start| AccountPageQuery { start, ..wanted });
        Ok(Some((lines, (core, next))))
    });
    let body = Body::from_bytes_stream(futures_util::StreamExt::chain(heading, pieces));
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
    text::csv_line(cells)
}
