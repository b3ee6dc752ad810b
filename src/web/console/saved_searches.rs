//! Saved searches: filters of the list of accounts that an administrator keeps under a name.

use poem::Response;

use crate::error::Result;
use crate::identity::admin::saved_searches;
use crate::web::console::filters::ListQuery;
use crate::web::console::form::{ConsoleForm, FormRefusal};
use crate::web::console::visit::ConsoleVisit;
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;
use crate::web::view::{FieldKind, FieldView};

/// The page on which a search is saved.
pub(super) const SAVE: &str = "/console/searches/save";

/// A saved search, and whether the list shows it.
pub(super) struct SearchLine {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) is_shown: bool,
}

/// The searches of the administrator.
pub(super) async fn lines(visit: &ConsoleVisit, asked: &ListQuery) -> Result<Vec<SearchLine>> {
    let shown = asked.text();
    let line = |saved: saved_searches::SavedSearch| SearchLine {
        path: format!("{ACCOUNTS}?{}", saved.query),
        is_shown: saved.query == shown,
        name: saved.name,
    };
    Ok(saved_searches::list(visit.core(), visit.admin()).await?.into_iter().map(line).collect())
}

/// `GET /console/searches/save`
pub(super) async fn ask(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show(visit, &ListQuery::of(visit), None).await
}

async fn show(
    visit: &ConsoleVisit,
    asked: &ListQuery,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let field = FieldView::new(visit.english(), FieldKind::Text, "name", "Name of the search")
        .at_most(saved_searches::LONGEST_NAME)
        .holding(visit.text("name"))
        .hinting("A search of yours with the same name is replaced. Only you see it.");
    let form = ConsoleForm {
        title: visit.page.title,
        hidden: asked.fields(),
        fields: vec![field],
        button: "Save",
        back: asked.path(ACCOUNTS, None),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/searches/save`
pub(super) async fn save(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = ListQuery::posted(visit);
    let saved =
        saved_searches::save(visit.core(), visit.admin(), &visit.text("name"), &asked.text()).await;
    match saved {
        Ok(_) => Ok(visit.done(&asked.path(ACCOUNTS, None), Notice::ChangeSaved)),
        Err(error) => show(visit, &asked, Some(FormRefusal::of(error)?)).await,
    }
}

/// `POST /console/searches/remove`
pub(super) async fn remove(visit: &ConsoleVisit) -> Result<Response, Stop> {
    saved_searches::remove(visit.core(), visit.admin(), &visit.text("search")).await?;
    Ok(visit.done(ACCOUNTS, Notice::SearchRemoved))
}
