//! Connected accounts at providers.

use askama::Template;
use poem::Response;

use crate::error::Kind;
use crate::identity::provider;
use crate::identity::provider::{ProviderListing, Redirect};
use crate::model::Secret;
use crate::model::identity::Identity;
use crate::web::account::proof::GivenProof;
use crate::web::account::{RefusedForm, RemovableItem};
use crate::web::entry::{flow_cookie, provider_sentence};
use crate::web::html::Layout;
use crate::web::jar::PageCookie;
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::CONNECTIONS;
use crate::web::view::{AccountFrame, ProofView, focus_first};
use crate::web::visit::{Owner, add_cookie, go};
use crate::words::Words;

/// The list.
#[derive(Template)]
#[template(path = "pages/account/connections.html")]
struct ConnectionsView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    rows: Vec<ConnectionLine>,
    /// What waits to be connected, in words, and the label of its button.
    waiting: Option<(String, String)>,
    offered: Vec<ProviderListing>,
    can_add: bool,
    proof: ProofView<'a>,
}

/// A connected account.
struct ConnectionLine {
    id: String,
    label: String,
    text: String,
}

/// Leads to a provider.
#[derive(Template)]
#[template(path = "pages/account/connection.html")]
struct GoView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    url: &'a str,
    label: String,
}

/// `GET /account/connections`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    show(owner, None).await
}

/// `POST /account/connections/new`
pub(super) async fn begin(owner: &Owner) -> Result<Response, Stop> {
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show(owner, Some(RefusedForm::proof(failure))).await;
        }
    };
    let name = owner.text("provider");
    match provider::begin_link(owner.core(), &fresh, &name, &Redirect::OwnPage).await {
        Ok(begun) => {
            let text = &owner.words().words.account.connections;
            let label = label_of(&provider::offered(owner.core()).await?, &name);
            let title = text.go_title(&label);
            let view = GoView {
                layout: owner.layout(&title),
                frame: owner.account_frame(CONNECTIONS, Some(&text.go_text), None),
                url: &begun.url,
                label: owner.words().words.provider.button(&label),
            };
            let mut response = owner.render(&view, None)?;
            add_cookie(&mut response, &flow_cookie(owner, &begun, None));
            Ok(response)
        }
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show(owner, Some(refused(owner, error))).await,
    }
}

/// `POST /account/connections`
pub(super) async fn connect(owner: &Owner) -> Result<Response, Stop> {
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show(owner, Some(RefusedForm::proof(failure))).await;
        }
    };
    let token = waiting(owner).unwrap_or_else(|| Secret::new(""));
    let connected = match owner.context.limited().count().await {
        Ok(counted) => {
            provider::connect(owner.core(), &fresh, &token, &counted, owner.source()).await
        }
        Err(error) => Err(error),
    };
    let mut response = match connected {
        Ok(_) => owner.go_with(CONNECTIONS, Notice::connected(&owner.caller.account)),
        Err(error) if error.kind() == Kind::SessionEnded => return Err(error.into()),
        Err(error) => show(owner, Some(refused(owner, error))).await?,
    };
    add_cookie(&mut response, &owner.jar.clear(PageCookie::ProviderStep));
    Ok(response)
}

/// `GET /account/connections/remove`
pub(super) async fn ask_remove(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.parameter("id").unwrap_or_default();
    show_remove(owner, &id, None).await
}

/// `POST /account/connections/remove`
pub(super) async fn remove(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.text("id");
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show_remove(owner, &id, Some(RefusedForm::proof(failure))).await;
        }
    };
    match provider::unlink(owner.core(), &fresh, &id, owner.source()).await {
        Ok(()) => Ok(owner.go_with(CONNECTIONS, Notice::ProviderRemoved)),
        Err(error) if error.kind() == Kind::NotFound => Ok(go(CONNECTIONS)),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show_remove(owner, &id, Some(RefusedForm::failed(owner, error))).await,
    }
}

fn refused(owner: &Owner, error: crate::error::Error) -> RefusedForm {
    let problem = Some(provider_sentence(owner.words().words, &error));
    RefusedForm { problem, error: Some(error), ..RefusedForm::default() }
}

/// The sealed login that waits for the owner, without where it wanted to go.
fn waiting(owner: &Owner) -> Option<Secret> {
    let value = owner.provider_step.as_ref()?.reveal();
    Some(Secret::new(value.split('.').next()?))
}

/// What people call a provider.
fn label_of(offered: &[ProviderListing], name: &str) -> String {
    let found = offered.iter().find(|one| one.name == name);
    found.map_or_else(|| name.to_owned(), |one| one.label.clone())
}

async fn show(owner: &Owner, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let (words, refused) = (owner.words().words, refused.as_ref());
    let text = &words.account.connections;
    let rows = provider::list(owner.core(), &owner.caller).await?;
    let offered = provider::offered(owner.core()).await?;
    let step = match waiting(owner) {
        Some(token) => provider::step_of(owner.core(), &token).await.ok(),
        None => None,
    };
    let is_verified = !owner.caller.account.is_unproved();
    let mut proof = owner.proof_view(owner.proof_ways().await?, CONNECTIONS, refused);
    focus_first(proof.field.iter_mut());
    let view = ConnectionsView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(CONNECTIONS, Some(&text.text), refused),
        rows: rows.iter().map(|row| line(&offered, words, row)).collect(),
        waiting: step.map(|step| (text.waiting_text(&step.label), text.connect(&step.label))),
        offered,
        can_add: is_verified && proof.only_sign_in().is_none(),
        proof,
    };
    owner.render(&view, refused)
}

fn line(offered: &[ProviderListing], words: &Words, row: &Identity) -> ConnectionLine {
    let text = &words.account.connections;
    let added = text.connected_on(words.date(row.created_at));
    let parts = [row.email.clone().or_else(|| row.name.clone()), Some(added)];
    ConnectionLine {
        id: row.id.clone(),
        label: label_of(offered, &row.provider),
        text: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

async fn show_remove(
    owner: &Owner,
    id: &str,
    refused: Option<RefusedForm>,
) -> Result<Response, Stop> {
    let text = &owner.words().words.account.connections;
    let rows = provider::list(owner.core(), &owner.caller).await?;
    let Some(row) = rows.into_iter().find(|row| row.id == id) else {
        return Err(Kind::NotFound.into());
    };
    let offered = provider::offered(owner.core()).await?;
    let says = text.remove_text(label_of(&offered, &row.provider));
    let removed = RemovableItem { page: CONNECTIONS, id, title: &text.remove_title, text: &says };
    owner.ask_removal(&removed, refused).await
}
