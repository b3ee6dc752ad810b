//! The profile page.

use poem::Response;

use crate::config::SignUpField;
use crate::error::{Kind, Result};
use crate::identity::account::profile;
use crate::identity::account::profile::Changes;
use crate::model::LanguageTag;
use crate::model::account::LONGEST_PHONE;
use crate::web::account::proof::ProofWays;
use crate::web::account::{FormView, RefusedForm, focus};
use crate::web::jar::PageCookie;
use crate::web::notice::Notice;
use crate::web::problems::{MAX_NAME, bad_name};
use crate::web::stop::Stop;
use crate::web::target::PROFILE;
use crate::web::view::{FieldKind, FieldOption, FieldView};
use crate::web::visit::{Owner, add_cookie};
use crate::words::Translation;

/// The fields of the form.
struct ProfileFields {
    first_name: String,
    last_name: String,
    phone: String,
    /// The tag of a language; empty to follow the browser.
    locale: String,
}

/// `GET /account/profile`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    let account = &owner.caller.account;
    let typed = ProfileFields {
        first_name: account.first_name.clone().unwrap_or_default(),
        last_name: account.last_name.clone().unwrap_or_default(),
        phone: account.phone.clone().unwrap_or_default(),
        locale: chosen(owner),
    };
    show(owner, &typed, None)
}

/// `POST /account/profile`
pub(super) async fn press(owner: &Owner) -> Result<Response, Stop> {
    let typed = ProfileFields {
        first_name: owner.text("first_name"),
        last_name: owner.text("last_name"),
        phone: owner.text("phone"),
        locale: owner.text("locale"),
    };
    let refused = refused(owner, &typed);
    if !refused.reasons.is_empty() {
        return show(owner, &typed, Some(&refused));
    }
    let account = &owner.caller.account;
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    // What stays as it is must not be written: a new phone number is unverified.
    let change =
        |typed: &String, before: &Option<String>| Some(given(typed)).filter(|new| new != before);
    let (first_name, last_name) = (
        change(&typed.first_name, &account.first_name),
        change(&typed.last_name, &account.last_name),
    );
    let changes = Changes {
        // A full name that was set through another wire would contradict the new parts.
        name: (first_name.is_some() || last_name.is_some()).then_some(None),
        first_name,
        last_name,
        phone: change(&typed.phone, &account.phone),
        locale: (typed.locale != chosen(owner)).then(|| LanguageTag::parse(&typed.locale)),
        ..Changes::default()
    };
    match profile::update(owner.core(), &owner.caller, changes, owner.source()).await {
        Ok(_) => {
            let mut response = owner.go_with(PROFILE, Notice::ProfileSaved);
            // Now the account says in which language its pages are, or the browser does.
            add_cookie(&mut response, &owner.jar.clear(PageCookie::Language));
            Ok(response)
        }
        Err(error) if error.kind() == Kind::SessionEnded => Err(error.into()),
        Err(error) => show(owner, &typed, Some(&RefusedForm::failed(owner, error))),
    }
}

/// The language of the server that the account's locale stands for.
fn chosen(owner: &Owner) -> String {
    let locale = owner.caller.account.locale;
    let language = locale.and_then(|locale| owner.core().words.lookup(locale.as_str()));
    language.map(|language| language.tag.to_owned()).unwrap_or_default()
}

fn refused(owner: &Owner, typed: &ProfileFields) -> RefusedForm {
    let (words, required) = (owner.words().words, &owner.core().config.signup.require);
    let mut refused = RefusedForm::default();
    for (id, kind, value) in [
        ("first_name", SignUpField::FirstName, &typed.first_name),
        ("last_name", SignUpField::LastName, &typed.last_name),
    ] {
        let is_missing = value.is_empty() && required.contains(&kind);
        let reason = is_missing.then(|| words.problems.required.to_string());
        refused.reasons.extend(reason.or_else(|| bad_name(words, value)).map(|why| (id, why)));
    }
    let is_long = typed.phone.chars().count() > LONGEST_PHONE;
    let is_bad = typed.phone.contains(char::is_control);
    if is_long || is_bad {
        refused.reasons.push(("phone", words.problems.invalid.to_string()));
    }
    let has_language = |tag| owner.core().words.find(&tag).is_some();
    let is_language = LanguageTag::parse(&typed.locale).is_some_and(has_language);
    if !typed.locale.is_empty() && !is_language {
        refused.reasons.push(("locale", words.problems.invalid.to_string()));
    }
    refused
}

/// The languages of the server, each in its own words.
fn languages<'a>(owner: &'a Owner, locale: &str) -> Vec<FieldOption<'a>> {
    let words = owner.words().words;
    let browser = FieldOption {
        value: "",
        label: &words.account.profile.language_of_browser,
        is_chosen: locale.is_empty(),
    };
    let mut languages: Vec<_> = owner.core().words.all().collect();
    languages.sort_by_key(|language| language.tag);
    let own = languages.into_iter().map(|Translation { tag, words }| FieldOption {
        value: tag,
        label: &words.language.name,
        is_chosen: tag == locale,
    });
    std::iter::once(browser).chain(own).collect()
}

fn show(
    owner: &Owner,
    typed: &ProfileFields,
    refused: Option<&RefusedForm>,
) -> Result<Response, Stop> {
    let words = owner.words().words;
    let (text, names) = (&words.account.profile, &words.sign_up);
    let required = &owner.core().config.signup.require;
    let field = |kind, id, label, value: &str, is_required: bool| {
        let reason = refused.and_then(|refused| refused.reason(id));
        let mut field = FieldView::new(words, kind, id, label).holding(value).refused(reason);
        field.is_required = is_required;
        field
    };
    let asks = |field| required.contains(&field);
    let mut fields = vec![
        field(
            FieldKind::Text,
            "first_name",
            &names.first_name,
            &typed.first_name,
            asks(SignUpField::FirstName),
        )
        .completed_as("given-name")
        .at_most(MAX_NAME),
        field(
            FieldKind::Text,
            "last_name",
            &names.last_name,
            &typed.last_name,
            asks(SignUpField::LastName),
        )
        .completed_as("family-name")
        .at_most(MAX_NAME),
        field(FieldKind::Phone, "phone", &text.phone, &typed.phone, false).at_most(LONGEST_PHONE),
        field(FieldKind::Name, "locale", &text.language, "", false)
            .offering(languages(owner, &typed.locale)),
    ];
    let mut proof = owner.proof_view(ProofWays::NOT_DUE, PROFILE, refused);
    focus(&mut fields, &mut proof);
    let view = FormView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(PROFILE, Some(&text.text), refused),
        user_name: None,
        fields,
        proof,
        button: &text.button,
    };
    owner.render(&view, refused)
}
