//! A new account: by invitation, with a mail that has a link to choose a password, or with a password
//! that the administrator sets.

use poem::Response;

use crate::error::{Error, Result};
use crate::identity::account::sign_up::NewAccount;
use crate::identity::admin::accounts::NewEntry;
use crate::identity::admin::{accounts, changes};
use crate::model::{Email, Password, Username};
use crate::web::console::accounts::page_of;
use crate::web::console::form::{Choice, ChoiceGroup, ConsoleForm, FormRefusal};
use crate::web::console::visit::ConsoleVisit;
use crate::web::notice::Notice;
use crate::web::problems::MAX_NAME;
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;
use crate::web::view::{FieldKind, FieldView};

const INVITE: &str = "invite";

/// `GET /console/accounts/new`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show(visit, None).await
}

async fn show(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let words = visit.english();
    let field = |kind, id, label| {
        let field = FieldView::new(words, kind, id, label).completed_as("off");
        field.holding(visit.field(id).unwrap_or_default())
    };
    let by_hand = visit.text("way") == "password";
    let form = ConsoleForm {
        title: visit.page.title,
        fields: vec![
            field(FieldKind::Email, "email", "Email address").focused(),
            field(FieldKind::Name, "username", "Username (optional)").optional(),
            field(FieldKind::Text, "first_name", "Given name (optional)")
                .optional()
                .at_most(MAX_NAME),
            field(FieldKind::Text, "last_name", "Family name (optional)")
                .optional()
                .at_most(MAX_NAME),
            FieldView::new(words, FieldKind::Password, "password", "Password (if you set one)")
                .completed_as("new-password")
                .optional(),
        ],
        choices: Some(ChoiceGroup {
            name: "way",
            label: "How its owner gets in",
            kind: "radio",
            choices: vec![
                Choice::new(INVITE, "Invitation")
                    .hinting(
                        "A mail with a link to choose a password, which also proves the address.",
                    )
                    .chosen_if(!by_hand),
                Choice::new("password", "Password")
                    .hinting(
                        "The one above. Nothing is mailed, and the address counts as verified.",
                    )
                    .chosen_if(by_hand),
            ],
        }),
        button: "Create account",
        back: ACCOUNTS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/accounts/new`
pub(super) async fn press(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let is_invited = visit.text("way") != "password";
    let new = match read(visit, is_invited) {
        Ok(new) => new,
        Err(NewFault::Problems(problems)) => {
            let refused = FormRefusal { problems, ..FormRefusal::default() };
            return show(visit, Some(refused)).await;
        }
        Err(NewFault::Failed(error)) => return Err(error.into()),
    };
    let (core, by) = (visit.core(), visit.by());
    let made = match accounts::create(core, &by, new).await {
        Ok(made) => made,
        Err(error) => return show(visit, Some(FormRefusal::of(error)?)).await,
    };
    let id = made.account.id.as_str();
    if is_invited {
        changes::send_reset(core, &by, id).await?;
        return Ok(visit.done(&page_of(id), Notice::AccountInvited));
    }
    Ok(visit.done(&page_of(id), Notice::AccountMade))
}

/// Why there is no new account.
enum NewFault {
    Problems(Vec<String>),
    Failed(Error),
}

fn read(visit: &ConsoleVisit, is_invited: bool) -> Result<NewEntry, NewFault> {
    let mut problems = Vec::new();
    let email = Email::parse(&visit.text("email"));
    if email.is_none() {
        problems.push("Email address must be one such as name@example.com".to_owned());
    }
    let username = Some(visit.text("username")).filter(|name| !name.is_empty());
    let parsed = username.as_deref().map(Username::parse);
    if parsed.as_ref().is_some_and(Option::is_none) {
        problems
            .push("Username may have letters, digits, dots, hyphens and underscores".to_owned());
    }
    let first_name = visit.one_line("first_name", "Given name", MAX_NAME, &mut problems);
    let last_name = visit.one_line("last_name", "Family name", MAX_NAME, &mut problems);
    let typed = visit.field("password").unwrap_or_default();
    let password = if is_invited {
        // No person learns it. What follows the random part is for rules about kinds of characters.
        let random = visit.core().env.new_token().map_err(NewFault::Failed)?;
        Password::new(format!("{random}-Aa1!"))
    } else {
        if typed.is_empty() {
            problems.push("Password is required".to_owned());
        }
        Password::new(typed)
    };
    match email {
        Some(email) if problems.is_empty() => Ok(NewEntry {
            account: NewAccount {
                username: parsed.flatten(),
                first_name,
                last_name,
                ..NewAccount::new(email, password)
            },
            roles: Vec::new(),
            verified: !is_invited,
        }),
        _ => Err(NewFault::Problems(problems)),
    }
}
