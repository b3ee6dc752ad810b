//! The page that changes the password.

use poem::Response;

use crate::error::{Kind, Result};
use crate::identity::account::password;
use crate::model::{Page, Password};
use crate::web::account::proof::{GivenProof, ProofWays};
use crate::web::account::{FormView, RefusedForm, focus};
use crate::web::link_pages::password_rules;
use crate::web::notice::Notice;
use crate::web::problems;
use crate::web::site::SayView;
use crate::web::stop::Stop;
use crate::web::target::{EMAIL, PASSWORD};
use crate::web::view::{FieldKind, FieldView};
use crate::web::visit::{Owner, go};

const CURRENT: &str = "current_password";
const NEW: &str = "new_password";

/// `GET /.well-known/change-password`
#[allow(clippy::unused_async, reason = "handlers are")]
pub(super) async fn lead(_owner: &Owner) -> Result<Response, Stop> {
    Ok(go(PASSWORD))
}

/// `GET /account/password`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    if owner.caller.account.password_hash.is_none() {
        let words = &owner.words().words.account;
        let text = &words.password;
        let (says, link) = match owner.caller.account.email {
            Some(_) => (&text.none, (Page::ForgotPassword.path(), text.choose.as_str())),
            None => (&text.none_address, (EMAIL, words.overview.add_email_link.as_str())),
        };
        let view = SayView { layout: owner.layout(&text.title), text: says, links: &[link] };
        return Ok(owner.site.render(poem::http::StatusCode::OK, &view)?);
    }
    show(owner, None).await
}

/// `POST /account/password`
pub(super) async fn press(owner: &Owner) -> Result<Response, Stop> {
    let problems = &owner.words().words.problems;
    let current = owner.field(CURRENT).unwrap_or_default();
    let new = owner.field(NEW).unwrap_or_default();
    let mut refused = RefusedForm::default();
    for (id, value) in [(CURRENT, &current), (NEW, &new)] {
        if value.is_empty() {
            refused.reasons.push((id, problems.password_required.to_string()));
        }
    }
    if !refused.reasons.is_empty() {
        return show(owner, Some(&refused)).await;
    }
    if owner.factor_ways().await? != ProofWays::NOT_DUE
        && let GivenProof::Refused(failure) = owner.fresh().await?
    {
        return show(owner, Some(&RefusedForm::proof(failure))).await;
    }
    let (core, source) = (owner.core(), owner.source());
    let (current, new) = (Password::new(current), Password::new(new));
    let changed = match owner.context.limited().count().await {
        Ok(counted) => password::change(core, &owner.caller, current, new, &counted, source).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(owner.go_with(PASSWORD, Notice::PasswordSaved)),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) if error.kind() == Kind::WrongCurrentPassword => {
            let reason = owner.words().words.proof.wrong_password.as_str();
            show(owner, Some(&RefusedForm::field(CURRENT, reason))).await
        }
        Err(error) if !error.fields().is_empty() => {
            let reasons =
                error.fields().iter().map(|row| problems::reason(owner.words().words, row));
            let reasons = reasons.collect::<Vec<_>>().join(". ");
            show(owner, Some(&RefusedForm::field(NEW, reasons))).await
        }
        Err(error) => show(owner, Some(&RefusedForm::failed(owner, error))).await,
    }
}

async fn show(owner: &Owner, refused: Option<&RefusedForm>) -> Result<Response, Stop> {
    let words = owner.words().words;
    let (text, rules) = (&words.account.password, &owner.core().config.password);
    let reason = |id: &str| refused.and_then(|refused| refused.reason(id));
    let mut fields = vec![
        FieldView::new(words, FieldKind::Password, CURRENT, &text.current).refused(reason(CURRENT)),
        FieldView::new(words, FieldKind::Password, NEW, &words.common.new_password)
            .completed_as("new-password")
            .at_least(rules.min_length)
            .hinting(password_rules(words, rules))
            .refused(reason(NEW)),
    ];
    let mut proof = owner.proof_view(owner.factor_ways().await?, PASSWORD, refused);
    focus(&mut fields, &mut proof);
    let label = owner.caller.account.label();
    let view = FormView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(PASSWORD, Some(&text.text), refused),
        user_name: Some(&label),
        fields,
        proof,
        button: &text.button,
    };
    owner.render(&view, refused)
}
