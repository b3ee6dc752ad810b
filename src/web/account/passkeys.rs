//! Passkeys and security keys of an account.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::identity::passkey::{self, PasskeyName};
use crate::model::{Passkey, PasskeyKind};
use crate::web::account::proof::GivenProof;
use crate::web::account::{RefusedForm, RemovableItem};
use crate::web::html::Layout;
use crate::web::notice::Notice;
use crate::web::problems::bad_name;
use crate::web::stop::Stop;
use crate::web::target::PASSKEYS;
use crate::web::view::{AccountFrame, FieldKind, FieldView, ProofView, focus_first};
use crate::web::visit::{Owner, go};
use crate::webauthn::RegistrationResponse;
use crate::words::Words;

/// The list.
#[derive(Template)]
#[template(path = "pages/account/passkeys.html")]
struct PasskeysView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    keys: Vec<KeyLine>,
    can_add: bool,
    why_not: &'a str,
    name: FieldView<'a>,
    proof: ProofView<'a>,
    /// For the browser, which removes keys that are not in the list from the person's devices.
    known: String,
}

/// A key.
struct KeyLine {
    id: String,
    name: String,
    text: String,
    is_suspect: bool,
    /// In the form that renames it.
    new_name: String,
    /// Why that was refused.
    reason: Option<String>,
}

/// The step in which the browser makes a key.
#[derive(Template)]
#[template(path = "pages/account/passkey.html")]
struct NewPasskeyView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    name: &'a str,
    options: String,
}

/// A new name for a key that was refused.
struct RefusedRename<'a> {
    id: &'a str,
    typed: &'a str,
    reason: String,
}

/// `GET /account/passkeys`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    show(owner, "", None).await
}

/// `POST /account/passkeys/new`
pub(super) async fn begin(owner: &Owner) -> Result<Response, Stop> {
    let name = owner.text("name");
    if PasskeyName::optional(Some(&name)).is_err() {
        return show_bad_name(owner, &name).await;
    }
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show(owner, &name, Some(RefusedForm::proof(failure))).await;
        }
    };
    let is_key = owner.text("kind") == PasskeyKind::SecurityKey.as_str();
    let kind = if is_key { PasskeyKind::SecurityKey } else { PasskeyKind::Passkey };
    match passkey::options(owner.core(), &fresh, kind).await {
        Ok(options) => {
            let text = &owner.words().words.account.passkeys;
            let view = NewPasskeyView {
                layout: owner.layout(&text.new_title),
                frame: owner.account_frame(PASSKEYS, Some(&text.new_text), None),
                name: &name,
                options: options.to_json().to_string(),
            };
            owner.render(&view, None)
        }
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show(owner, &name, Some(RefusedForm::failed(owner, error))).await,
    }
}

/// `POST /account/passkeys`
pub(super) async fn add(owner: &Owner) -> Result<Response, Stop> {
    let name = owner.text("name");
    let Ok(chosen) = PasskeyName::optional(Some(&name)) else {
        return show_bad_name(owner, &name).await;
    };
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show(owner, &name, Some(RefusedForm::proof(failure))).await;
        }
    };
    let made = match RegistrationResponse::from_json(&owner.text("credential")) {
        Ok(response) => {
            let (core, source) = (owner.core(), owner.source());
            passkey::register(core, &fresh, &response, chosen.as_ref(), source).await
        }
        Err(_) => Err(Kind::PasskeyRejected.into()),
    };
    match made {
        Ok(made) if made.backup_codes.is_empty() => {
            Ok(owner.go_with(PASSKEYS, Notice::PasskeyAdded))
        }
        Ok(made) => owner.show_codes(PASSKEYS, &made.backup_codes),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show(owner, &name, Some(RefusedForm::failed(owner, error))).await,
    }
}

/// `POST /account/passkeys/rename`
pub(super) async fn rename(owner: &Owner) -> Result<Response, Stop> {
    let (id, typed) = (owner.text("id"), owner.text("name"));
    let Ok(name) = PasskeyName::parse(&typed) else {
        let words = owner.words().words;
        let required = || words.problems.required.to_string();
        let reason = bad_name(words, &typed).unwrap_or_else(required);
        let rename = RefusedRename { id: &id, typed: &typed, reason };
        return show_list(owner, "", Some(&rename), Some(RefusedForm::default())).await;
    };
    passkey::rename(owner.core(), &owner.caller, &id, name, owner.source()).await?;
    Ok(owner.go_with(PASSKEYS, Notice::PasskeyRenamed))
}

/// `GET /account/passkeys/remove`
pub(super) async fn ask_remove(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.parameter("id").unwrap_or_default();
    show_remove(owner, &id, None).await
}

/// `POST /account/passkeys/remove`
pub(super) async fn remove(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.text("id");
    let fresh = match owner.fresh().await? {
        GivenProof::Fresh(fresh) => fresh,
        GivenProof::Refused(failure) => {
            return show_remove(owner, &id, Some(RefusedForm::proof(failure))).await;
        }
    };
    match passkey::remove(owner.core(), &fresh, &id, owner.source()).await {
        Ok(()) => Ok(owner.go_with(PASSKEYS, Notice::PasskeyRemoved)),
        Err(error) if error.kind() == Kind::NotFound => Ok(go(PASSKEYS)),
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show_remove(owner, &id, Some(RefusedForm::failed(owner, error))).await,
    }
}

async fn show_bad_name(owner: &Owner, name: &str) -> Result<Response, Stop> {
    let words = owner.words().words;
    let reason = bad_name(words, name).unwrap_or_else(|| words.problems.invalid.to_string());
    show(owner, name, Some(RefusedForm::field("name", reason))).await
}

async fn show(owner: &Owner, name: &str, refused: Option<RefusedForm>) -> Result<Response, Stop> {
    show_list(owner, name, None, refused).await
}

async fn show_list(
    owner: &Owner,
    name: &str,
    rename: Option<&RefusedRename<'_>>,
    refused: Option<RefusedForm>,
) -> Result<Response, Stop> {
    let (words, refused) = (owner.words().words, refused.as_ref());
    let text = &words.account.passkeys;
    let listed = passkey::list(owner.core(), &owner.caller).await?;
    if rename.is_some_and(|rename| listed.passkeys.iter().all(|key| key.id != rename.id)) {
        return Err(Kind::NotFound.into());
    }
    let is_verified = !owner.caller.account.is_unproved();
    let is_on = owner.core().config.webauthn.enabled;
    let reason = refused.and_then(|refused| refused.reason("name"));
    let mut field = FieldView::new(words, FieldKind::Text, "name", &text.name)
        .at_most(PasskeyName::MAX)
        .hinting(text.name_hint.as_str())
        .holding(name)
        .optional()
        .refused(reason);
    let mut proof = owner.proof_view(owner.proof_ways().await?, PASSKEYS, refused);
    focus_first(std::iter::once(&mut field).chain(proof.field.iter_mut()));
    let known = serde_json::json!({
        "rpId": listed.rp_id,
        "userId": crate::model::secret::encode(&listed.user_handle),
        "allAcceptedCredentialIds": listed
            .passkeys
            .iter()
            .map(|key| crate::model::secret::encode(&key.credential_id))
            .collect::<Vec<_>>(),
    });
    let view = PasskeysView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(PASSKEYS, Some(&text.text), refused),
        can_add: is_on && is_verified && proof.only_sign_in().is_none(),
        why_not: if is_verified { &text.switched_off } else { &text.unverified },
        name: field,
        proof,
        keys: listed.passkeys.iter().map(|key| line(words, key, rename)).collect(),
        known: known.to_string(),
    };
    owner.render(&view, refused)
}

fn line(words: &Words, key: &Passkey, rename: Option<&RefusedRename<'_>>) -> KeyLine {
    let rename = rename.filter(|rename| rename.id == key.id);
    let text = &words.account.passkeys;
    let kind = match key.kind {
        PasskeyKind::Passkey => &text.kind_passkey,
        PasskeyKind::SecurityKey => &text.kind_key,
    };
    let added = text.added_on(words.date(key.created_at));
    let used = key.last_used_at.map(|at| text.used_on(words.date(at)));
    let made_by = passkey::authenticator(key);
    let parts = [Some(kind.to_string()), Some(made_by.to_owned()), Some(added), used];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    KeyLine {
        id: key.id.clone(),
        name: key.name.clone(),
        text: parts.join(" · "),
        is_suspect: key.suspect_at.is_some(),
        new_name: rename.map_or(key.name.as_str(), |rename| rename.typed).to_owned(),
        reason: rename.map(|rename| rename.reason.clone()),
    }
}

async fn show_remove(
    owner: &Owner,
    id: &str,
    refused: Option<RefusedForm>,
) -> Result<Response, Stop> {
    let text = &owner.words().words.account.passkeys;
    let listed = passkey::list(owner.core(), &owner.caller).await?.passkeys;
    let Some(key) = listed.into_iter().find(|key| key.id == id) else {
        return Err(Kind::NotFound.into());
    };
    let says = text.remove_text(&key.name);
    let removed = RemovableItem { page: PASSKEYS, id, title: &text.remove_title, text: &says };
    owner.ask_removal(&removed, refused).await
}
