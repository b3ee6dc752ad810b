//! Apps and their keys.

use askama::Template;
use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::identity::access::api_client;
use crate::model::app::ApiClientKind;
use crate::model::{ApiClient, Secret, percent};
use crate::web::console::cells;
use crate::web::console::form::{ButtonLook, Choice, ChoiceGroup, ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, ProvenActor};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::APPS;
use crate::web::time::Moment;
use crate::web::view::{FieldKind, FieldView};

/// The apps.
#[derive(Template)]
#[template(path = "pages/console/apps.html")]
struct AppsView<'a> {
    frame: ConsoleFrame<'a>,
    apps: Vec<AppLine>,
    are_required: bool,
}

struct AppLine {
    id: String,
    name: String,
    path: String,
    kind: &'static str,
    created: Moment,
    rotated: Moment,
}

/// A new key, which is shown this once.
#[derive(Template)]
#[template(path = "pages/console/key.html")]
struct AppKeyView<'a> {
    frame: ConsoleFrame<'a>,
    name: &'a str,
    id: &'a str,
    key: &'a str,
}

/// `GET /console/apps`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let line = |app: ApiClient| AppLine {
        path: format!("{APPS}/{}", percent::encode(&app.id)),
        kind: kind(app.kind),
        created: cells::time(app.created_at),
        rotated: cells::time(app.rotated_at),
        name: app.name,
        id: app.id,
    };
    let apps = api_client::list(visit.core()).await?.into_iter().map(line).collect();
    let are_required = visit.core().config.apps.required;
    visit.show(&AppsView { frame: visit.frame(visit.page.title), apps, are_required })
}

fn kind(kind: ApiClientKind) -> &'static str {
    match kind {
        ApiClientKind::Client => "client",
        ApiClientKind::Service => "service",
    }
}

fn show_key(visit: &ConsoleVisit, app: &ApiClient, key: &Secret) -> Result<Response, Stop> {
    visit.show(&AppKeyView {
        frame: visit.frame("The key of the app"),
        name: &app.name,
        id: &app.id,
        key: key.reveal(),
    })
}

/// `GET /console/apps/new`
pub(super) async fn ask_create(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show_create(visit, None).await
}

async fn show_create(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let is_service = visit.text("kind") == "service";
    let name = FieldView::new(visit.english(), FieldKind::Text, "name", "Name")
        .at_most(100)
        .holding(visit.field("name").unwrap_or_default())
        .focused();
    let form = ConsoleForm {
        title: visit.page.title,
        text: "Its key is shown once, on the next page.",
        fields: vec![name],
        choices: Some(ChoiceGroup {
            name: "kind",
            label: "Kind",
            kind: "radio",
            choices: vec![
                Choice::new("client", "Client")
                    .hinting("A website or an app that people use.")
                    .chosen_if(!is_service),
                Choice::new("service", "Service")
                    .hinting("A server of yours that checks tokens and acts for its users.")
                    .chosen_if(is_service),
            ],
        }),
        button: "Create app",
        back: APPS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/apps/new`
pub(super) async fn create(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let is_service = visit.text("kind") == "service";
    let kind = if is_service { ApiClientKind::Service } else { ApiClientKind::Client };
    match api_client::create(visit.core(), &visit.by(), &visit.text("name"), kind).await {
        Ok((app, key)) => show_key(visit, &app, &key),
        Err(error) => show_create(visit, Some(FormRefusal::of(error)?)).await,
    }
}

async fn app_of(visit: &ConsoleVisit) -> Result<ApiClient, Stop> {
    let id = visit.id()?;
    let found = api_client::list(visit.core()).await?.into_iter().find(|app| app.id == id);
    found.ok_or_else(|| Error::new(Kind::NotFound).into())
}

/// A form about an app, whose name must be typed.
async fn show(
    visit: &ConsoleVisit,
    app: &ApiClient,
    (text, button): (&'static str, &'static str),
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(app.name.clone()),
        text,
        typed: Some(app.name.clone()),
        button,
        look: ButtonLook::Risky,
        back: APPS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

const ROTATE: (&str, &str) = (
    "The present key stops working now. The new one is shown once, on the next page. This cannot be undone.",
    "Make a new key",
);
const DELETE: (&str, &str) = ("Its key stops working now. This cannot be undone.", "Delete app");

/// `GET /console/apps/{id}/rotate`
pub(super) async fn ask_rotate(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let app = app_of(visit).await?;
    show(visit, &app, ROTATE, None).await
}

/// `POST /console/apps/{id}/rotate`
pub(super) async fn rotate(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let app = app_of(visit).await?;
    if let Err(refused) = visit.check_typed(&app.name) {
        return show(visit, &app, ROTATE, Some(refused)).await;
    }
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show(visit, &app, ROTATE, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    match api_client::rotate(visit.core(), &by, &app.id).await {
        Ok((app, key)) => show_key(visit, &app, &key),
        Err(error) => show(visit, &app, ROTATE, Some(FormRefusal::of(error)?)).await,
    }
}

/// `GET /console/apps/{id}/delete`
pub(super) async fn ask_delete(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let app = app_of(visit).await?;
    show(visit, &app, DELETE, None).await
}

/// `POST /console/apps/{id}/delete`
pub(super) async fn delete(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let app = app_of(visit).await?;
    if let Err(refused) = visit.check_typed(&app.name) {
        return show(visit, &app, DELETE, Some(refused)).await;
    }
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show(visit, &app, DELETE, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    match api_client::delete(visit.core(), &by, &app.id).await {
        Ok(()) => Ok(visit.done(APPS, Notice::AppGone)),
        Err(error) => show(visit, &app, DELETE, Some(FormRefusal::of(error)?)).await,
    }
}
