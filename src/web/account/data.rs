//! Download and deletion of the account.

use askama::Template;
use poem::Response;
use poem::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};

use crate::error::{Error, Kind, Result};
use crate::identity::account::{delete, export};
use crate::model::account::AddressState;
use crate::web::account::proof::GivenProof;
use crate::web::account::{CONSENT, RefusedForm, Step, StepKind};
use crate::web::entry::left;
use crate::web::html::Layout;
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::DATA;
use crate::web::view::AccountFrame;
use crate::web::visit::Owner;

/// What can be done with the data.
#[derive(Template)]
#[template(path = "pages/account/data.html")]
struct DataView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
}

/// `GET /account/data`
#[allow(clippy::unused_async, reason = "handlers are")]
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    let text = &owner.words().words.account.data;
    let frame = owner.account_frame(DATA, Some(&text.text), None);
    owner.render(&DataView { layout: owner.layout(&text.title), frame }, None)
}

/// `GET /account/data/export`
pub(super) async fn ask_export(owner: &Owner) -> Result<Response, Stop> {
    show_export(owner, None).await
}

/// `POST /account/data/export`
pub(super) async fn export(owner: &Owner) -> Result<Response, Stop> {
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show_export(owner, Some(RefusedForm::proof(failure))).await;
        }
    };
    let begun = match export::begin(owner.core(), &fresh, owner.source()).await {
        Ok(begun) => begun,
        Err(error) if is_shown(&error) => {
            return show_export(owner, Some(RefusedForm::failed(owner, error))).await;
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Response::builder()
        .content_type("application/json; charset=utf-8")
        .header(CONTENT_DISPOSITION, "attachment; filename=\"account.json\"")
        .header(CACHE_CONTROL, "no-store")
        .body((owner.site.write_export)(owner.core().clone(), begun)?))
}

async fn show_export(owner: &Owner, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let text = &owner.words().words.account.data;
    let step = Step {
        page: DATA,
        action: "/account/data/export",
        id: None,
        title: &text.export_title,
        text: &text.export_confirm,
        consent: None,
        button: &text.export_button,
        kind: StepKind::Download,
    };
    owner.ask(&step, refused).await
}

/// `GET /account/data/delete`
pub(super) async fn ask_delete(owner: &Owner) -> Result<Response, Stop> {
    show_delete(owner, None).await
}

/// `POST /account/data/delete`
pub(super) async fn delete(owner: &Owner) -> Result<Response, Stop> {
    if owner.field(CONSENT).is_none() {
        let reason = owner.words().words.account.data.delete_consent_missing.as_str();
        return show_delete(owner, Some(RefusedForm::field(CONSENT, reason))).await;
    }
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show_delete(owner, Some(RefusedForm::proof(failure))).await;
        }
    };
    match delete::own_account(owner.core(), &fresh, owner.source()).await {
        // An address that nobody has proved gets no letter.
        Ok(()) => Ok(left(
            owner,
            match owner.caller.account.address_state() {
                AddressState::Verified => Notice::AccountDeleted,
                AddressState::Unverified | AddressState::Absent => Notice::AccountDeletedUnmailed,
            },
        )),
        Err(error) if is_shown(&error) => {
            show_delete(owner, Some(RefusedForm::failed(owner, error))).await
        }
        Err(error) => Err(error.into()),
    }
}

fn is_shown(error: &Error) -> bool {
    matches!(error.kind(), Kind::LastAdmin | Kind::TooMany(_) | Kind::Unavailable)
}

async fn show_delete(owner: &Owner, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let text = &owner.words().words.account.data;
    let step = Step {
        page: DATA,
        action: "/account/data/delete",
        id: None,
        title: &text.delete_title,
        text: &text.delete_confirm,
        consent: Some(&text.delete_consent),
        button: &text.delete_button,
        kind: StepKind::Risky,
    };
    owner.ask(&step, refused).await
}
