//! One action on several accounts: a page lists them before, and says afterwards what became of each.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::http::server::error_text;
use crate::identity::admin::search;
use crate::model::AccountId;
use crate::web::console::accounts::page_of;
use crate::web::console::actions::{AccountAction, perform};
use crate::web::console::cells;
use crate::web::console::desk::{ConsoleFrame, ConsoleVisit, is_of_the_request};
use crate::web::console::form::{ConsoleForm, FormRefusal};
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;

/// The most accounts at once.
const MOST: usize = 100;

/// The field with the ID of an account.
const ID: &str = "id";

/// What became of each account.
#[derive(Template)]
#[template(path = "pages/console/bulk.html")]
struct BulkResultView<'a> {
    frame: ConsoleFrame<'a>,
    summary: String,
    lines: Vec<BulkLine>,
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
    show(visit, &ids, None).await
}

async fn show(
    visit: &ConsoleVisit,
    ids: &[String],
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let known = known(visit, ids).await?;
    let action = AccountAction::of(visit);
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

/// The accounts that there are, each once.
async fn known(visit: &ConsoleVisit, ids: &[String]) -> Result<Vec<(String, String)>, Stop> {
    let mut known: Vec<(String, String)> = Vec::new();
    for id in ids.iter().take(MOST) {
        if known.iter().any(|(known, _)| known == id) {
            continue;
        }
        match search::file(visit.core(), id).await {
            Ok(details) => known.push((id.clone(), cells::label(&details.entry.account))),
            Err(error) if error.kind() == Kind::AccountNotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(known)
}

/// `POST` of the page of an action on several accounts
pub(super) async fn press(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let ids = visit.fields(ID);
    if ids.is_empty() || ids.len() > MOST {
        let problem = format!("Select 1 to {MOST} accounts.");
        return show(visit, &ids, Some(FormRefusal::saying(problem))).await;
    }
    let action = AccountAction::of(visit);
    let mut lines = Vec::new();
    for (id, label) in known(visit, &ids).await? {
        let refusal = match perform(visit, action, &AccountId::new(&id)).await {
            Ok(()) => None,
            Err(error) if is_of_the_request(&error) => {
                Some(error_text::message(&error).into_owned())
            }
            Err(error) => return Err(error.into()),
        };
        lines.push(BulkLine { path: page_of(&id), label, refusal });
    }
    let done = lines.iter().filter(|line| line.refusal.is_none()).count();
    let summary = match lines.len() - done {
        0 => format!("Done for all {done}."),
        refused => format!("Done for {done}, refused for {refused}."),
    };
    visit.show(&BulkResultView { frame: visit.frame(visit.page.title), summary, lines })
}
