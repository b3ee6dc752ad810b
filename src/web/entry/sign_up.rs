//! The sign-up page. Where a taken address must not be revealed, its answers do not depend on it.

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::config::SignUpField;
use crate::error::{Error, Field, Kind, Result};
use crate::http::server::reject;
use crate::identity::account::sign_up;
use crate::identity::account::sign_up::NewAccount;
use crate::identity::login::remember::Remember;
use crate::model::{Email, Password, Username};
use crate::web::entry::enter;
use crate::web::entry::provider;
use crate::web::entry::provider::ProviderButton;
use crate::web::html::Layout;
use crate::web::link_pages::password_rules;
use crate::web::problems::{self, MAX_NAME, bad_name};
use crate::web::site::{SayView, note_failure};
use crate::web::stop::{Stop, problem};
use crate::web::target::{Target, with_target};
use crate::web::view::{FieldKind, FieldView, focus_first};
use crate::web::visit::{Visit, go};
use crate::words::Words;

/// Asks for the data of a new account.
#[derive(Template)]
#[template(path = "pages/sign_up.html")]
struct SignUpView<'a> {
    layout: Layout<'a>,
    problem: Option<String>,
    target: Option<&'a str>,
    fields: Vec<FieldView<'a>>,
    sign_in: String,
    providers: Vec<ProviderButton>,
}

/// What was typed, and why each value was refused.
#[derive(Default)]
struct SignUpFields {
    email: String,
    username: String,
    first_name: String,
    last_name: String,
    reasons: Vec<(&'static str, String)>,
    problem: Option<String>,
}

impl SignUpFields {
    fn refuse(&mut self, field: &'static str, reason: impl Into<String>) {
        if self.reasons.iter().all(|(known, _)| *known != field) {
            self.reasons.push((field, reason.into()));
        }
    }

    fn reason(&self, field: &str) -> Option<String> {
        self.reasons.iter().find(|(known, _)| *known == field).map(|(_, reason)| reason.clone())
    }
}

/// `GET /sign-up`
pub(super) async fn open(visit: &Visit) -> Result<Response, Stop> {
    show(visit, visit.target()?.as_ref(), &SignUpFields::default(), StatusCode::OK).await
}

/// `POST /sign-up`
pub(super) async fn press(visit: &Visit) -> Result<Response, Stop> {
    let target = visit.target()?;
    let mut typed = SignUpFields {
        email: visit.text("email"),
        username: visit.text("username"),
        first_name: visit.text("first_name"),
        last_name: visit.text("last_name"),
        ..SignUpFields::default()
    };
    let Some(new) = new_account(visit, &mut typed) else {
        return show(visit, target.as_ref(), &typed, StatusCode::BAD_REQUEST).await;
    };
    let (core, source) = (visit.core(), visit.source());
    let made = match visit.context.limited().count().await {
        Err(error) => Err(error),
        Ok(counted) if core.config.signup.logs_in => {
            let entered =
                sign_up::register_and_enter(core, new, Remember::Long, &counted, source).await;
            match entered {
                Ok(issued) => return enter(visit, &issued, target.as_ref()).await,
                Err(error) => Err(error),
            }
        }
        Ok(counted) => sign_up::register(core, new, &counted, source).await,
    };
    match made {
        Ok(_) => Ok(go(&with_target("/sign-up/done", target.as_ref().map(Target::as_str)))),
        Err(error) => {
            explain(visit.words().words, &mut typed, &error);
            let status = reject::status(error.kind());
            let mut response = show(visit, target.as_ref(), &typed, status).await?;
            note_failure(&mut response, &error, source);
            Ok(response)
        }
    }
}

/// `GET /sign-up/done`
pub(super) async fn done(visit: &Visit) -> Result<Response, Stop> {
    let (target, text) = (visit.target()?, &visit.words().words.sign_up);
    let (title, text) = if visit.core().config.signup.verify_email {
        (&text.sent_title, &text.sent_text)
    } else {
        (&text.done_title, &text.done_text)
    };
    let sign_in = with_target("/sign-in", target.as_ref().map(Target::as_str));
    let links = [(sign_in.as_str(), visit.words().words.shell.sign_in.as_str())];
    let view = SayView { layout: visit.layout(title), text, links: &links };
    Ok(visit.site.render(StatusCode::OK, &view)?)
}

/// The account to create, if every value is well-formed.
fn new_account(visit: &Visit, typed: &mut SignUpFields) -> Option<NewAccount> {
    let (problems, required) = (&visit.words().words.problems, &visit.core().config.signup.require);
    let email = Email::parse(&typed.email);
    if email.is_none() {
        typed.refuse("email", problems.no_address.as_str());
    }
    let username = Username::parse(&typed.username);
    if username.is_none()
        && (required.contains(&SignUpField::Username) || !typed.username.is_empty())
    {
        let reason =
            if typed.username.is_empty() { &problems.required } else { &problems.username };
        typed.refuse("username", reason.as_str());
    }
    for (field, kind) in
        [("first_name", SignUpField::FirstName), ("last_name", SignUpField::LastName)]
    {
        let value = if field == "first_name" { &typed.first_name } else { &typed.last_name };
        let is_missing = value.is_empty() && required.contains(&kind);
        let reason = is_missing.then(|| problems.required.to_string());
        if let Some(reason) = reason.or_else(|| bad_name(visit.words().words, value)) {
            typed.refuse(field, reason);
        }
    }
    let password = visit.field("new_password").unwrap_or_default();
    if password.is_empty() {
        typed.refuse("new_password", problems.password_required.as_str());
    }
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    if !typed.reasons.is_empty() {
        return None;
    }
    Some(NewAccount {
        username,
        first_name: given(&typed.first_name),
        last_name: given(&typed.last_name),
        ..NewAccount::new(email?, Password::new(password))
    })
}

fn explain(words: &Words, typed: &mut SignUpFields, error: &Error) {
    for row in error.fields() {
        let field = match row.field {
            Field::Email => "email",
            _ => "new_password",
        };
        typed.refuse(field, problems::reason(words, row));
    }
    match error.kind() {
        Kind::EmailTaken => typed.refuse("email", words.sign_up.taken.as_str()),
        Kind::UsernameTaken => typed.refuse("username", words.sign_up.name_taken.as_str()),
        _ if error.fields().is_empty() => typed.problem = Some(problem(words, error)),
        _ => {}
    }
}

async fn show(
    visit: &Visit,
    target: Option<&Target>,
    typed: &SignUpFields,
    status: StatusCode,
) -> Result<Response, Stop> {
    let (words, config) = (visit.words().words, &visit.core().config);
    let (text, rules) = (&words.sign_up, &config.password);
    let asks = |field| config.signup.require.contains(&field);
    let field = |kind, id, label, value: &str| {
        FieldView::new(words, kind, id, label).holding(value).refused(typed.reason(id))
    };
    let mut fields = Vec::new();
    if asks(SignUpField::FirstName) {
        let view = field(FieldKind::Text, "first_name", &text.first_name, &typed.first_name);
        fields.push(view.completed_as("given-name").at_most(MAX_NAME));
    }
    if asks(SignUpField::LastName) {
        let view = field(FieldKind::Text, "last_name", &text.last_name, &typed.last_name);
        fields.push(view.completed_as("family-name").at_most(MAX_NAME));
    }
    let is_named = asks(SignUpField::Username);
    if is_named {
        let view = field(FieldKind::Name, "username", &text.username, &typed.username);
        fields.push(view.completed_as("username").at_most(50));
    }
    let email = field(FieldKind::Email, "email", &words.common.email_address, &typed.email);
    let completed_as = if is_named { "email" } else { "username" };
    fields.push(email.completed_as(completed_as).at_most(254));
    fields.push(
        field(FieldKind::Password, "new_password", &text.password, "")
            .completed_as("new-password")
            .at_least(rules.min_length)
            .hinting(password_rules(words, rules)),
    );
    if let Some(first) = fields.first_mut() {
        first.has_focus = true;
    }
    focus_first(fields.iter_mut());
    let target = target.map(Target::as_str);
    let view = SignUpView {
        layout: visit.layout_of("sign-up", &text.title),
        problem: typed.problem.clone(),
        target,
        fields,
        sign_in: with_target("/sign-in", target),
        providers: provider::buttons(visit, target).await?,
    };
    Ok(visit.site.render(status, &view)?)
}
