//! The page that changes the email address.

use poem::Response;

use crate::error::Result;
use crate::identity::account::change_email;
use crate::model::Email;
use crate::web::account::proof::GivenProof;
use crate::web::account::{FormView, RefusedForm, focus};
use crate::web::notice::Notice;
use crate::web::problems;
use crate::web::stop::Stop;
use crate::web::target::EMAIL;
use crate::web::view::{FieldKind, FieldView};
use crate::web::visit::Owner;

const NEW: &str = "new_email";

/// `GET /account/email`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    show(owner, "", None).await
}

/// `POST /account/email`
pub(super) async fn press(owner: &Owner) -> Result<Response, Stop> {
    let typed = owner.text(NEW);
    let Some(email) = Email::parse(&typed) else {
        let reason = owner.words().words.problems.no_address.as_str();
        return show(owner, &typed, Some(RefusedForm::field(NEW, reason))).await;
    };
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show(owner, &typed, Some(RefusedForm::proof(failure))).await;
        }
    };
    match change_email::request(owner.core(), &fresh, &email, owner.source()).await {
        Ok(()) => Ok(owner.go_with(
            EMAIL,
            match owner.caller.account.email {
                Some(_) => Notice::AddressAsked,
                None => Notice::FirstAddressAsked,
            },
        )),
        Err(error) => {
            let refused = match error.fields().first() {
                Some(row) => RefusedForm::field(NEW, problems::reason(owner.words().words, row)),
                None => RefusedForm::failed(owner, error),
            };
            show(owner, &typed, Some(refused)).await
        }
    }
}

async fn show(owner: &Owner, typed: &str, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let (words, refused) = (owner.words().words, refused.as_ref());
    let text = &words.account.email;
    let reason = refused.and_then(|refused| refused.reason(NEW));
    let mut fields = vec![
        FieldView::new(words, FieldKind::Email, NEW, &text.new)
            .at_most(254)
            .holding(typed)
            .refused(reason),
    ];
    let mut proof = owner.proof_view(owner.proof_ways().await?, EMAIL, refused);
    focus(&mut fields, &mut proof);
    let account = &owner.caller.account;
    let says = match &account.email {
        Some(email) => text.text(email),
        None => text.none.to_string(),
    };
    let view = FormView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(EMAIL, Some(&says), refused),
        user_name: account.email.as_ref().map(Email::as_str),
        fields,
        proof,
        button: &text.button,
    };
    owner.render(&view, refused)
}
