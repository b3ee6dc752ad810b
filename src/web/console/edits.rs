//! What is changed about an account in a form: profile, roles, quota.

use poem::Response;

use crate::error::Result;
use crate::identity::account::quota;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::identity::admin::changes::{self, Changes, Correction};
use crate::model::account::LONGEST_PHONE;
use crate::model::{Account, AccountId, LanguageTag, role};
use crate::web::console::accounts::page_of;
use crate::web::console::actions::{changed, find, refusal, version_fields};
use crate::web::console::cells;
use crate::web::console::form::{Choice, ChoiceGroup, ConsoleForm, FormRefusal};
use crate::web::console::visit::ConsoleVisit;
use crate::web::notice::Notice;
use crate::web::problems::MAX_NAME;
use crate::web::stop::Stop;
use crate::web::view::{FieldKind, FieldView};

/// The largest quota, as on the native API.
const MAX_QUOTA: i64 = 1_000_000_000;

/// `GET /console/accounts/{id}/profile`
pub(super) async fn profile(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    show_profile(visit, &entry, None).await
}

async fn show_profile(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let (words, account) = (visit.english(), &entry.account);
    let field = |kind, id, label, value: Option<String>, max| {
        let typed = visit.field(id).unwrap_or_else(|| value.unwrap_or_default());
        FieldView::new(words, kind, id, label).optional().at_most(max).holding(typed)
    };
    let locale = account.locale.map(|tag| tag.to_string());
    let fields = vec![
        field(FieldKind::Text, "first_name", "Given name", account.first_name.clone(), MAX_NAME),
        field(FieldKind::Text, "last_name", "Family name", account.last_name.clone(), MAX_NAME),
        field(FieldKind::Phone, "phone", "Phone number", account.phone.clone(), LONGEST_PHONE)
            .completed_as("off"),
        field(FieldKind::Name, "locale", "Language", locale, 35)
            .hinting("A tag such as de or pt-BR; empty for that of the browser."),
    ];
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(cells::label(account)),
        hidden: version_fields(visit, entry),
        fields,
        button: "Save",
        back: page_of(account.id.as_str()),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/accounts/{id}/profile`
pub(super) async fn save_profile(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    if let Some(refused) = changed(visit, &entry).await? {
        return show_profile(visit, &entry, Some(refused)).await;
    }
    let correction = match correction(visit, &entry.account) {
        Ok(correction) => correction,
        Err(problems) => {
            let refused = FormRefusal { problems, ..FormRefusal::default() };
            return show_profile(visit, &entry, Some(refused)).await;
        }
    };
    let changes = Changes { correction, ..Changes::default() };
    match update(visit, &entry, changes).await? {
        EditOutcome::Saved(page) => Ok(page),
        EditOutcome::Refused(refused) => {
            show_profile(visit, &find(visit).await?, Some(refused)).await
        }
    }
}

/// The fields that differ from the account, so that the rest stays as it is.
fn correction(visit: &ConsoleVisit, account: &Account) -> Result<Correction, Vec<String>> {
    let mut problems = Vec::new();
    let mut text_of = |id: &str, label: &str, max: usize, had: Option<&str>| {
        let typed = visit.one_line(id, label, max, &mut problems);
        (typed.as_deref() != had).then_some(typed)
    };
    let first_name = text_of("first_name", "Given name", MAX_NAME, account.first_name.as_deref());
    let last_name = text_of("last_name", "Family name", MAX_NAME, account.last_name.as_deref());
    let phone = text_of("phone", "Phone number", LONGEST_PHONE, account.phone.as_deref());
    let had = account.locale.map(|tag| tag.to_string());
    let locale = text_of("locale", "Language", 35, had.as_deref());
    let locale = locale.map(|tag| {
        let parsed = tag.as_deref().map(LanguageTag::parse);
        if parsed == Some(None) {
            problems.push("Language must be a tag such as de or pt-BR".to_owned());
        }
        parsed.flatten()
    });
    if problems.is_empty() {
        Ok(Correction { first_name, last_name, phone, locale })
    } else {
        Err(problems)
    }
}

/// What the core did with a form.
#[must_use]
enum EditOutcome {
    /// The change is made. Leads to the account's page.
    Saved(Response),
    /// Nothing is changed. The form is to be shown again, for the account as it is now.
    Refused(FormRefusal),
}

impl EditOutcome {
    async fn of<T>(visit: &ConsoleVisit, id: &AccountId, done: Result<T>) -> Result<Self, Stop> {
        match done {
            Ok(_) => Ok(Self::Saved(visit.done(&page_of(id.as_str()), Notice::ChangeSaved))),
            Err(error) => Ok(Self::Refused(refusal(visit, error).await?)),
        }
    }
}

async fn update(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
    changes: Changes,
) -> Result<EditOutcome, Stop> {
    let id = &entry.account.id;
    let done = changes::update(visit.core(), &visit.by(), id.as_str(), changes).await;
    EditOutcome::of(visit, id, done).await
}

/// `GET /console/accounts/{id}/roles`
pub(super) async fn roles(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    show_roles(visit, &entry, None).await
}

async fn show_roles(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let roles = crate::identity::admin::roles::list(visit.core()).await?;
    let choice = |known: crate::identity::admin::roles::Role| {
        let has = entry.roles.contains(&known.name);
        Choice::new(known.name.clone(), known.name)
            .hinting(known.permissions.join(", "))
            .chosen_if(has)
    };
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(cells::label(&entry.account)),
        text: "Nobody can give or take a role with permissions that they lack. A change counts at once.",
        hidden: version_fields(visit, entry),
        choices: Some(ChoiceGroup {
            name: "role",
            label: "Roles",
            kind: "checkbox",
            choices: roles.into_iter().map(choice).collect(),
        }),
        button: "Save",
        back: page_of(entry.account.id.as_str()),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/accounts/{id}/roles`
pub(super) async fn save_roles(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    if let Some(refused) = changed(visit, &entry).await? {
        return show_roles(visit, &entry, Some(refused)).await;
    }
    // Those that stay keep their order.
    let chosen = visit.fields("role");
    let kept = entry.roles.iter().filter(|name| chosen.contains(name)).cloned();
    let new = chosen.iter().filter(|name| !entry.roles.contains(name)).cloned();
    let mut roles: Vec<String> = kept.chain(new).collect();
    if roles.is_empty() {
        roles.push(role::DEFAULT.to_owned());
    }
    let changes = Changes { roles: Some(roles), ..Changes::default() };
    match update(visit, &entry, changes).await? {
        EditOutcome::Saved(page) => Ok(page),
        EditOutcome::Refused(refused) => {
            show_roles(visit, &find(visit).await?, Some(refused)).await
        }
    }
}

/// `GET /console/accounts/{id}/quota`
pub(super) async fn quota(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    show_quota(visit, &entry, None).await
}

async fn show_quota(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let (words, account) = (visit.english(), &entry.account);
    let quota = quota::of_account(visit.core(), account).await?;
    let field = |id, label, value: i64| {
        let typed = visit.field(id).unwrap_or_else(|| value.to_string());
        FieldView::new(words, FieldKind::Name, id, label).optional().at_most(10).holding(typed)
    };
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(cells::label(account)),
        hidden: version_fields(visit, entry),
        fields: vec![
            field("limit", "Most uploads", quota.limit)
                .hinting("Empty for the limit of the settings (files.limit)."),
            field("uploaded", "Uploads that count as used", quota.uploaded),
        ],
        button: "Save",
        back: page_of(account.id.as_str()),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/accounts/{id}/quota`
pub(super) async fn save_quota(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    if let Some(refused) = changed(visit, &entry).await? {
        return show_quota(visit, &entry, Some(refused)).await;
    }
    let number = |id: &str| match visit.text(id).as_str() {
        "" => Some(None),
        typed => {
            let parsed = typed.parse().ok().filter(|number| (0..=MAX_QUOTA).contains(number));
            parsed.map(Some)
        }
    };
    let (Some(limit), Some(uploaded)) = (number("limit"), number("uploaded")) else {
        let refused = FormRefusal::saying("Both must be numbers from 0 to 1,000,000,000");
        return show_quota(visit, &entry, Some(refused)).await;
    };
    let change = quota::Change { limit: Some(limit), uploaded };
    let id = &entry.account.id;
    let done = quota::change(visit.core(), &visit.by(), id, change).await;
    match EditOutcome::of(visit, id, done).await? {
        EditOutcome::Saved(page) => Ok(page),
        EditOutcome::Refused(refused) => {
            show_quota(visit, &find(visit).await?, Some(refused)).await
        }
    }
}
