//! Download and deletion of the account.

use askama::Template;
use poem::Response;
use poem::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};

use crate::error::{Error, Kind, Result};
use crate::identity::account::{delete, export};
use crate::web::account::proof::GivenProof;
use crate::web::account::{ConfirmStepView, RefusedForm};
use crate::web::entry::left;
use crate::web::html::Layout;
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::DATA;
use crate::web::view::Desk;
use crate::web::visit::Owner;

/// What can be done with the data.
#[derive(Template)]
#[template(path = "pages/account/data.html")]
struct DataView<'a> {
    layout: Layout<'a>,
    desk: Desk<'a>,
}

/// The field to tick before a deletion.
const CONSENT: &str = "consent";

/// `GET /account/data`
#[allow(clippy::unused_async, reason = "handlers are")]
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    let text = &owner.words().words.account.data;
    let desk = owner.desk(DATA, Some(&text.text), None);
    owner.render(&DataView { layout: owner.layout(&text.title), desk }, None)
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
    let all = export::everything(owner.core(), &fresh, owner.source()).await?;
    Ok(Response::builder()
        .content_type("application/json; charset=utf-8")
        .header(CONTENT_DISPOSITION, "attachment; filename=\"account.json\"")
        .header(CACHE_CONTROL, "no-store")
        .body((owner.site.write_export)(all)?))
}

async fn show_export(owner: &Owner, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let (text, refused) = (&owner.words().words.account.data, refused.as_ref());
    let mut proof = owner.proof_view(owner.proof_way().await?, DATA, refused);
    super::focus(&mut [], &mut proof);
    let view = ConfirmStepView {
        layout: owner.layout(&text.export_title),
        desk: owner.desk(DATA, Some(&text.export_confirm), refused),
        action: "/account/data/export",
        id: None,
        consent: None,
        consent_reason: None,
        proof,
        button: &text.export_button,
        is_risky: false,
        stays: true,
        back: DATA,
    };
    owner.render(&view, refused)
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
        Ok(()) => Ok(left(owner, Notice::AccountDeleted)),
        Err(error) if is_shown(&error) => {
            show_delete(owner, Some(RefusedForm::failed(owner, error))).await
        }
        Err(error) => Err(error.into()),
    }
}

fn is_shown(error: &Error) -> bool {
    matches!(error.kind(), Kind::LastAdmin | Kind::Unavailable)
}

async fn show_delete(owner: &Owner, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let (text, refused) = (&owner.words().words.account.data, refused.as_ref());
    let mut proof = owner.proof_view(owner.proof_way().await?, DATA, refused);
    super::focus(&mut [], &mut proof);
    let view = ConfirmStepView {
        layout: owner.layout(&text.delete_title),
        desk: owner.desk(DATA, Some(&text.delete_confirm), refused),
        action: "/account/data/delete",
        id: None,
        consent: Some(&text.delete_consent),
        consent_reason: refused.and_then(|refused| refused.reason(CONSENT)),
        proof,
        button: &text.delete_button,
        is_risky: true,
        stays: false,
        back: DATA,
    };
    owner.render(&view, refused)
}
