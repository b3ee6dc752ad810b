//! Second factors and backup codes.

use askama::Template;
use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::identity::factor;
use crate::identity::factor::{CodeConfirmation, Overview, Started};
use crate::model::{Factor, FactorKind, Secret};
use crate::web::account::proof::GivenProof;
use crate::web::account::{RefusedForm, RemovableItem, Step, StepKind};
use crate::web::html::Layout;
use crate::web::notice::Notice;
use crate::web::problems::{MAX_NAME, bad_name};
use crate::web::stop::Stop;
use crate::web::target::AUTHENTICATOR;
use crate::web::view::{AccountFrame, FieldKind, FieldView, ProofView, focus_first};
use crate::web::visit::{Owner, go};
use crate::words::Words;

/// The list.
#[derive(Template)]
#[template(path = "pages/account/factors.html")]
struct FactorsView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    factors: Vec<FactorLine>,
    can_add: bool,
    /// Why none can be added.
    why_not: &'a str,
    device: FieldView<'a>,
    proof: ProofView<'a>,
    has_factors: bool,
    codes_text: String,
}

/// A factor.
struct FactorLine {
    id: String,
    name: String,
    text: String,
}

/// Sets up an authenticator app.
#[derive(Template)]
#[template(path = "pages/account/authenticator.html")]
struct AuthenticatorView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    id: &'a str,
    /// Shown only once.
    secrets: Option<ShownSecrets<'a>>,
    code: FieldView<'a>,
}

/// The secrets of a new factor.
struct ShownSecrets<'a> {
    qr_code: &'a str,
    secret: &'a str,
    codes: Vec<&'a str>,
}

/// `GET /account/authenticator`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    show(owner, "", None).await
}

/// `POST /account/authenticator/new`
pub(super) async fn begin(owner: &Owner) -> Result<Response, Stop> {
    let name = owner.text("device");
    if let Some(reason) = bad_name(owner.words().words, &name) {
        return show(owner, &name, Some(RefusedForm::field("device", reason))).await;
    }
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show(owner, &name, Some(RefusedForm::proof(failure))).await;
        }
    };
    let named =
        if name.is_empty() { owner.words().words.account.factors.kind_app.as_str() } else { &name };
    let started =
        factor::set_up(owner.core(), fresh.caller(), FactorKind::Totp, named, owner.source()).await;
    match started {
        Ok(started) => show_secrets(owner, &started),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show(owner, &name, Some(RefusedForm::failed(owner, error))).await,
    }
}

/// `POST /account/authenticator/confirm`
pub(super) async fn confirm(owner: &Owner) -> Result<Response, Stop> {
    let (id, code) = (owner.text("id"), owner.text("code"));
    let confirmed = match owner.context.limited().count().await {
        Ok(_) if code.is_empty() => Err(Error::new(Kind::Validation)),
        Ok(counted) => {
            let device = Some(id.as_str());
            factor::verify(owner.core(), &owner.caller, &code, device, &counted, owner.source())
                .await
        }
        Err(error) => Err(error),
    };
    match confirmed {
        Ok(CodeConfirmation::Confirmed) => Ok(owner.go_with(AUTHENTICATOR, Notice::SecondStepOn)),
        // It was confirmed or dropped in another window.
        Ok(CodeConfirmation::Shown) => Ok(go(AUTHENTICATOR)),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) if matches!(error.kind(), Kind::MfaCodeInvalid | Kind::Validation) => {
            let words = owner.words().words;
            let reason = match error.kind() {
                Kind::Validation => words.problems.required.as_str(),
                _ => words.factor.wrong.as_str(),
            };
            show_again(owner, &id, &RefusedForm::field("code", reason))
        }
        Err(error) => show_again(owner, &id, &RefusedForm::failed(owner, error)),
    }
}

/// `GET /account/authenticator/remove`
pub(super) async fn ask_remove(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.parameter("id").unwrap_or_default();
    show_remove(owner, &id, None).await
}

/// `POST /account/authenticator/remove`
pub(super) async fn remove(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.text("id");
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show_remove(owner, &id, Some(RefusedForm::proof(failure))).await;
        }
    };
    match factor::remove(owner.core(), &fresh, &id, owner.source()).await {
        Ok(()) => Ok(owner.go_with(AUTHENTICATOR, Notice::SecondStepOff)),
        Err(error) if error.kind() == Kind::Conflict => {
            show_remove(owner, &id, Some(RefusedForm::failed(owner, error))).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /account/backup-codes`
pub(super) async fn ask_codes(owner: &Owner) -> Result<Response, Stop> {
    show_ask_codes(owner, None).await
}

/// `POST /account/backup-codes`
pub(super) async fn new_codes(owner: &Owner) -> Result<Response, Stop> {
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show_ask_codes(owner, Some(RefusedForm::proof(failure))).await;
        }
    };
    match factor::renew_backup_codes(owner.core(), &fresh, owner.source()).await {
        Ok(codes) => owner.show_codes(AUTHENTICATOR, &codes),
        Err(error) if error.kind() == Kind::MfaNotEnabled => Ok(go(AUTHENTICATOR)),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show_ask_codes(owner, Some(RefusedForm::failed(owner, error))).await,
    }
}

async fn show(owner: &Owner, name: &str, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let (words, refused) = (owner.words().words, refused.as_ref());
    let text = &words.account.factors;
    let Overview { factors, backup_codes, is_due } =
        factor::list(owner.core(), &owner.caller).await?;
    let is_verified = !owner.caller.account.is_unproved();
    let reason = refused.and_then(|refused| refused.reason("device"));
    let mut device = FieldView::new(words, FieldKind::Text, "device", &text.name)
        .at_most(MAX_NAME)
        .hinting(text.name_hint.as_str())
        .holding(name)
        .optional()
        .refused(reason);
    let mut proof = owner.proof_view(owner.proof_ways().await?, AUTHENTICATOR, refused);
    focus_first(std::iter::once(&mut device).chain(proof.field.iter_mut()));
    let confirmed: Vec<_> = factors.iter().filter(|factor| factor.confirmed_at.is_some()).collect();
    let can_add =
        owner.core().config.factors.enabled && is_verified && proof.only_sign_in().is_none();
    let view = FactorsView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(AUTHENTICATOR, Some(&text.text), refused),
        can_add,
        why_not: if is_verified { &text.switched_off } else { &text.unverified },
        device,
        proof,
        has_factors: is_due,
        factors: confirmed.into_iter().map(|factor| line(words, factor)).collect(),
        codes_text: match backup_codes {
            0 => text.codes_none.to_string(),
            1 => text.codes_one.to_string(),
            count => text.codes_left(count),
        },
    };
    owner.render(&view, refused)
}

fn line(words: &Words, factor: &Factor) -> FactorLine {
    let text = &words.account.factors;
    let kind = match factor.kind {
        FactorKind::Totp => text.kind_app.to_string(),
        FactorKind::Email => text.kind_mail.to_string(),
        FactorKind::Sms => text.kind_sms(factor.target.as_deref().unwrap_or_default()),
    };
    let added = text.added_on(words.date(factor.created_at));
    FactorLine {
        id: factor.id.clone(),
        name: factor.name.clone(),
        text: format!("{kind} · {added}"),
    }
}

fn show_secrets(owner: &Owner, started: &Started) -> Result<Response, Stop> {
    let text = &owner.words().words.account.factors;
    let secrets = started.authenticator.as_ref().map(|authenticator| ShownSecrets {
        qr_code: authenticator.qr_code.reveal(),
        secret: authenticator.secret.reveal(),
        codes: started.backup_codes.iter().map(Secret::reveal).collect(),
    });
    let view = AuthenticatorView {
        layout: owner.layout(&text.setup_title),
        frame: owner.account_frame(AUTHENTICATOR, Some(&text.setup_text), None),
        id: &started.factor.id,
        secrets,
        code: code_field(owner.words().words),
    };
    owner.render(&view, None)
}

/// The step after a wrong code, without the secrets.
fn show_again(owner: &Owner, id: &str, refused: &RefusedForm) -> Result<Response, Stop> {
    let text = &owner.words().words.account.factors;
    let view = AuthenticatorView {
        layout: owner.layout(&text.setup_title),
        frame: owner.account_frame(AUTHENTICATOR, Some(&text.again_text), Some(refused)),
        id,
        secrets: None,
        code: code_field(owner.words().words).refused(refused.reason("code")).focused(),
    };
    owner.render(&view, Some(refused))
}

fn code_field(words: &Words) -> FieldView<'_> {
    FieldView::new(words, FieldKind::Code, "code", &words.account.factors.code).at_most(16)
}

async fn show_remove(
    owner: &Owner,
    id: &str,
    refused: Option<RefusedForm>,
) -> Result<Response, Stop> {
    let text = &owner.words().words.account.factors;
    let listed = factor::list(owner.core(), &owner.caller).await?.factors;
    let Some(factor) = listed.into_iter().find(|factor| factor.id == id) else {
        return Err(Kind::NotFound.into());
    };
    let says = text.remove_text(&factor.name);
    let removed = RemovableItem { page: AUTHENTICATOR, id, title: &text.remove_title, text: &says };
    owner.ask_removal(&removed, refused).await
}

async fn show_ask_codes(owner: &Owner, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    let text = &owner.words().words.account.factors;
    let step = Step {
        page: AUTHENTICATOR,
        action: "/account/backup-codes",
        id: None,
        title: &text.codes_title,
        text: &text.codes_text,
        consent: None,
        button: &text.codes_button,
        kind: StepKind::Harmless,
    };
    owner.ask(&step, refused).await
}
