//! One action on several accounts: those that were ticked, or all that match a filter. A page lists them
//! before. They are done in pieces: each request does a few, says how far it got, and the form on its
//! page goes on with the rest. What is done stays done wherever it stops, and is not done twice.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::http::server::error_text;
use crate::identity::admin::search;
use crate::identity::admin::search::AccountPage;
use crate::model::listing::{ListCount, ListPlace, ListStart};
use crate::model::{Account, AccountId, Permission};
use crate::web::console::accounts::page_of;
use crate::web::console::actions::{AccountAction, perform};
use crate::web::console::cells;
use crate::web::console::filters::ListQuery;
use crate::web::console::form::{ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, is_of_the_request};
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;

/// The most accounts that can be ticked.
const MOST: usize = 100;
/// The accounts that one request does.
const PIECE: usize = 25;
/// The largest number that the form carries on.
const MOST_COUNTED: i64 = 1_000_000_000;
/// The accounts that the page before lists.
const LISTED: i64 = 20;

/// The fields: the ID of an account that was ticked, whether all that match are meant, the account that
/// was done last, and how many were done, refused and expected.
const ID: &str = "id";
const ALL: &str = "all";
const AFTER: &str = "after";
const DONE: &str = "done";
const REFUSED: &str = "refused";
const EXPECTED: &str = "expected";

/// How far the action is.
#[derive(Template)]
#[template(path = "pages/console/bulk.html")]
struct BulkResultView<'a> {
    frame: ConsoleFrame<'a>,
    action: &'a str,
    summary: String,
    lines: Vec<BulkLine>,
    /// The fields of the form that does the rest.
    rest: Option<Vec<(&'static str, String)>>,
    handled: i64,
    expected: i64,
    back: String,
}

struct BulkLine {
    path: String,
    label: String,
    /// Why nothing was done.
    refusal: Option<String>,
}

/// `GET` of the page of an action on several accounts
pub(super) async fn ask(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let ids = visit.parameters(ID);
    let asked = ListQuery::of(visit);
    if ids.is_empty() && asked.is_filtered() {
        return show_all(visit, &asked, None).await;
    }
    show(visit, &ids, None).await
}

async fn show(
    visit: &ConsoleVisit,
    ids: &[String],
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let known = known(visit, ids).await?;
    let action = AccountAction::of(visit)?;
    let none = "No account is selected. Go back and tick some in the list.";
    let refused = refused.or_else(|| known.is_empty().then(|| FormRefusal::saying(none)));
    let count = known.len();
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(if count == 1 {
            "1 account".to_owned()
        } else {
            format!("{count} accounts")
        }),
        text: action.text(),
        hidden: known.iter().map(|(id, _)| (ID, id.clone())).collect(),
        items: known.into_iter().map(|(_, label)| label).collect(),
        button: action.button(),
        look: action.look(),
        back: ACCOUNTS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// The page before an action on all accounts that match.
async fn show_all(
    visit: &ConsoleVisit,
    asked: &ListQuery,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    may_list(visit)?;
    let found = search::page(visit.core(), &asked.first_page(LISTED)).await?;
    let action = AccountAction::of(visit)?;
    let (words, expected) = expected(&found);
    let mut items: Vec<String> =
        found.entries.iter().map(|entry| cells::label(&entry.account)).collect();
    if found.next.is_some() {
        items.push("and so on".to_owned());
    }
    let hidden = [(ALL, "yes".to_owned()), (EXPECTED, expected.to_string())];
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(format!("All accounts that match: {words}")),
        text: action.text(),
        hidden: asked.fields().into_iter().chain(hidden).collect(),
        items,
        typed: Some(format!("all {words}")),
        button: action.button(),
        look: action.look(),
        back: asked.path(ACCOUNTS, None),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// Refuses a filter of an administrator who may not list accounts: what matches would tell of them.
fn may_list(visit: &ConsoleVisit) -> Result<(), Stop> {
    if visit.may(Permission::UsersRead) { Ok(()) } else { Err(Kind::Forbidden.into()) }
}

/// How many accounts match, in words and as a number.
fn expected(found: &AccountPage) -> (String, i64) {
    match found.count {
        ListCount::Exactly(count) => (cells::number(count), count),
        ListCount::AtLeast(count) => (format!("{} or more", cells::number(count)), count),
        ListCount::Unknown => ("some".to_owned(), 0),
    }
}

/// The accounts that there are, each once.
async fn known(visit: &ConsoleVisit, ids: &[String]) -> Result<Vec<(String, String)>, Stop> {
    let mut known: Vec<(String, String)> = Vec::new();
    for id in ids.iter().take(MOST) {
        if known.iter().any(|(known, _)| known == id) {
            continue;
        }
        match search::details(visit.core(), id).await {
            Ok(details) => known.push((id.clone(), cells::label(&details.entry.account))),
            Err(error) if error.kind() == Kind::AccountNotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(known)
}

/// `POST` of the page of an action on several accounts
pub(super) async fn press(visit: &ConsoleVisit) -> Result<Response, Stop> {
    if visit.text(ALL) == "yes" {
        return press_all(visit).await;
    }
    let ids = visit.fields(ID);
    if ids.is_empty() || ids.len() > MOST {
        let problem = format!("Select 1 to {MOST} accounts.");
        return show(visit, &ids, Some(FormRefusal::saying(problem))).await;
    }
    let (now, later) = ids.split_at(PIECE.min(ids.len()));
    let mut lines = Vec::new();
    for (id, label) in known(visit, now).await? {
        lines.push(apply(visit, &id, label).await?);
    }
    let rest = later.iter().map(|id| (ID, id.clone())).collect::<Vec<_>>();
    let given = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let rest = Some(rest).filter(|rest| !rest.is_empty());
    show_progress(
        visit,
        lines,
        rest,
        (given + count(visit, DONE) + count(visit, REFUSED), ACCOUNTS.to_owned()),
    )
}

async fn press_all(visit: &ConsoleVisit) -> Result<Response, Stop> {
    may_list(visit)?;
    let asked = ListQuery::posted(visit);
    if !asked.is_filtered() || !asked.problems.is_empty() {
        let problem = "The filter was not understood, so nothing was done.";
        return show_all(visit, &asked, Some(FormRefusal::saying(problem))).await;
    }
    let after = ListPlace::parse(&visit.text(AFTER));
    if after.is_none() {
        let found = search::page(visit.core(), &asked.first_page(1)).await?;
        let word = format!("all {}", expected(&found).0);
        if let Err(refused) = visit.check_typed(&word) {
            return show_all(visit, &asked, Some(refused)).await;
        }
    }
    let piece = i64::try_from(PIECE).unwrap_or(i64::MAX);
    let found = search::page(visit.core(), &asked.page_after(after, piece)).await?;
    let mut lines = Vec::new();
    for entry in &found.entries {
        let account: &Account = &entry.account;
        lines.push(apply(visit, account.id.as_str(), cells::label(account)).await?);
    }
    let rest = match found.next {
        Some(ListStart::After(place)) => {
            let all = [(ALL, "yes".to_owned()), (AFTER, place.to_string())];
            Some(asked.fields().into_iter().chain(all).collect())
        }
        _ => None,
    };
    show_progress(visit, lines, rest, (count(visit, EXPECTED), asked.path(ACCOUNTS, None)))
}

/// A number that the form carries on.
fn count(visit: &ConsoleVisit, name: &str) -> i64 {
    visit.text(name).parse().ok().filter(|count| (0..=MOST_COUNTED).contains(count)).unwrap_or(0)
}

/// Does the action to one account.
async fn apply(visit: &ConsoleVisit, id: &str, label: String) -> Result<BulkLine, Stop> {
    let refusal = match perform(visit, AccountAction::of(visit)?, &AccountId::new(id)).await {
        Ok(()) => None,
        // Without the permission or the session, none of the rest can be done either.
        Err(error) if is_of_the_request(&error) && error.kind() != Kind::Forbidden => {
            Some(error_text::message(&error).into_owned())
        }
        Err(error) if error.kind() == Kind::Forbidden && visit.still_may().await? => {
            Some(error_text::message(&error).into_owned())
        }
        Err(error) => return Err(error.into()),
    };
    Ok(BulkLine { path: page_of(id), label, refusal })
}

/// The page that says how far the action is.
fn show_progress(
    visit: &ConsoleVisit,
    lines: Vec<BulkLine>,
    rest: Option<Vec<(&'static str, String)>>,
    (expected, back): (i64, String),
) -> Result<Response, Stop> {
    let refused = lines.iter().filter(|line| line.refusal.is_some()).count();
    let done = i64::try_from(lines.len() - refused).unwrap_or(0) + count(visit, DONE);
    let refused = i64::try_from(refused).unwrap_or(0) + count(visit, REFUSED);
    let expected = expected.max(done + refused);
    let carried = [(DONE, done), (REFUSED, refused), (EXPECTED, expected)];
    let reason = [("reason", visit.text("reason"))];
    let rest = rest.map(|rest| {
        let carried = carried.map(|(name, count)| (name, count.to_string()));
        rest.into_iter().chain(carried).chain(reason).collect()
    });
    let (done_words, refused_words) = (cells::number(done), cells::number(refused));
    let summary = match (&rest, refused) {
        (Some(_), 0) => format!("Done for {done_words} so far."),
        (Some(_), _) => format!("Done for {done_words} so far, refused for {refused_words}."),
        (None, 0) => format!("Done for all {done_words}."),
        (None, _) => format!("Done for {done_words}, refused for {refused_words}."),
    };
    visit.show(&BulkResultView {
        frame: visit.frame(visit.page.title),
        action: &visit.context.path,
        summary,
        lines,
        rest,
        handled: done + refused,
        expected,
        back,
    })
}
