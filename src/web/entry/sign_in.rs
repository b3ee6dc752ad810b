//! The sign-in page.

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::error::{Detail, Error, Kind, Result};
use crate::http::server::reject;
use crate::identity::login::remember::Remember;
use crate::identity::login::sign_in;
use crate::identity::login::sign_in::{Credentials, Name};
use crate::model::{Page, Password};
use crate::web::entry::code::CODE;
use crate::web::entry::enter;
use crate::web::entry::factor;
use crate::web::entry::provider;
use crate::web::entry::provider::ProviderButton;
use crate::web::html::Layout;
use crate::web::site::note_failure;
use crate::web::stop::{Stop, problem};
use crate::web::target::{ACCOUNT, Target, with_target};
use crate::web::view::{FieldKind, FieldView, focus_first};
use crate::web::visit::{Owner, Visit, go};
use crate::words::Words;

/// The most characters of an address or user name, as on the native API.
const MAX_NAME: usize = 255;

/// Asks for name and password.
#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInView<'a> {
    layout: Layout<'a>,
    note: Option<&'a str>,
    problem: Option<String>,
    /// The page that helps with the problem.
    way_on: Option<(&'static str, &'a str)>,
    target: Option<&'a str>,
    name: FieldView<'a>,
    password: FieldView<'a>,
    remember: bool,
    sign_up: String,
    takes_passkey: bool,
    providers: Vec<ProviderButton>,
    /// The page that logs in with a mailed code, where the policy allows it.
    by_code: Option<String>,
}

/// For visitors who are logged in already.
#[derive(Template)]
#[template(path = "pages/signed_in.html")]
struct SignedInView<'a> {
    layout: Layout<'a>,
    text: String,
    target: Option<&'a str>,
    other: String,
}

/// What was typed into the form.
struct SignInFields {
    name: String,
    remember: bool,
}

/// Why the form was refused.
enum SignInRefusal {
    /// Fields that are empty: the name, the password.
    Empty {
        name: bool,
        password: bool,
    },
    /// No account has a name of this length.
    LongName,
    Failed(Error),
}

/// `GET /sign-in`
pub(super) async fn open(visit: &Visit) -> Result<Response, Stop> {
    let target = visit.target()?;
    if let Some(caller) = visit.caller().filter(|_| !visit.asks("again")) {
        let (words, target) = (visit.words().words, target.as_ref().map(Target::as_str));
        let view = SignedInView {
            layout: visit.layout(&words.sign_in.known_title),
            text: words.sign_in.known_text(caller.account.label()),
            target,
            other: with_target("/sign-in?again", target),
        };
        return Ok(visit.site.render(StatusCode::OK, &view)?);
    }
    show(visit, target.as_ref(), &SignInFields { name: String::new(), remember: true }, None).await
}

/// `POST /sign-in`
pub(super) async fn press(visit: &Visit) -> Result<Response, Stop> {
    let target = visit.target()?;
    let typed =
        SignInFields { name: visit.text("name"), remember: visit.field("remember").is_some() };
    let password = visit.field("password").unwrap_or_default();
    if typed.name.is_empty() || password.is_empty() {
        let refusal =
            SignInRefusal::Empty { name: typed.name.is_empty(), password: password.is_empty() };
        return show(visit, target.as_ref(), &typed, Some(&refusal)).await;
    }
    if typed.name.chars().count() > MAX_NAME {
        return show(visit, target.as_ref(), &typed, Some(&SignInRefusal::LongName)).await;
    }
    match log_in(visit, &typed, Password::new(password)).await {
        Ok(issued) => enter(visit, &issued, target.as_ref()).await,
        Err(error) => match factor::ask(visit, &error, target.as_ref()) {
            Some(response) => Ok(response),
            None => show(visit, target.as_ref(), &typed, Some(&SignInRefusal::Failed(error))).await,
        },
    }
}

/// The page again, after another way to log in failed.
pub(super) async fn show_failure(
    visit: &Visit,
    target: Option<&Target>,
    error: Error,
) -> Result<Response, Stop> {
    let typed = SignInFields { name: String::new(), remember: true };
    show(visit, target, &typed, Some(&SignInRefusal::Failed(error))).await
}

async fn log_in(
    visit: &Visit,
    typed: &SignInFields,
    password: Password,
) -> Result<crate::identity::login::gate::Issued> {
    let (core, source) = (visit.core(), visit.source());
    let name = if typed.name.contains('@') {
        Name::Email(typed.name.clone())
    } else {
        Name::Username(typed.name.clone())
    };
    let remember = if typed.remember { Remember::Long } else { Remember::Short };
    let not_locked = sign_in::refuse_locked(core, &name, source).await?;
    let counted = visit.context.limited().count().await?;
    let credentials = Credentials { name, password, remember };
    sign_in::with_password(core, credentials, &not_locked, &counted, source).await
}

/// `POST /sign-in/continue`
pub(super) async fn go_on(owner: &Owner) -> Result<Response, Stop> {
    let target = owner.target()?;
    Ok(go(target.as_ref().map_or(ACCOUNT, Target::as_str)))
}

async fn show(
    visit: &Visit,
    target: Option<&Target>,
    typed: &SignInFields,
    refusal: Option<&SignInRefusal>,
) -> Result<Response, Stop> {
    let words = visit.words().words;
    let text = &words.sign_in;
    let mut name = FieldView::new(words, FieldKind::Name, "name", &text.name)
        .completed_as("username webauthn")
        .at_most(MAX_NAME)
        .holding(&*typed.name)
        .focused();
    let mut password = FieldView::new(words, FieldKind::Password, "password", &text.password);
    let (mut status, mut said, mut way_on) = (StatusCode::OK, None, None);
    match refusal {
        None => {}
        Some(SignInRefusal::Empty { name: no_name, password: no_password }) => {
            status = StatusCode::BAD_REQUEST;
            let required = || words.problems.required.to_string();
            name.reason = no_name.then(required);
            password.reason = no_password.then(required);
            focus_first([&mut name, &mut password].into_iter());
        }
        Some(SignInRefusal::LongName) => {
            status = StatusCode::BAD_REQUEST;
            name.reason = Some(words.problems.too_long(MAX_NAME));
        }
        Some(SignInRefusal::Failed(error)) => {
            status = reject::status(error.kind());
            (said, way_on) = (Some(sentence(words, error)), way(words, error.kind()));
            // What is most likely to be wrong is typed again.
            (name.has_focus, password.has_focus) = (false, true);
        }
    }
    let (target, config) = (target.map(Target::as_str), &visit.core().config);
    let view = SignInView {
        layout: visit.layout_of("sign-in", &text.title),
        note: visit.notice.map(|notice| notice.text(words)),
        problem: said,
        way_on,
        target,
        name,
        password,
        remember: typed.remember,
        sign_up: with_target("/sign-up", target),
        takes_passkey: visit.takes_passkey,
        by_code: config.login.passwordless.then(|| with_target(CODE, target)),
        providers: provider::buttons(visit, target).await?,
    };
    let mut response = visit.site.render(status, &view)?;
    if let Some(SignInRefusal::Failed(error)) = refusal {
        note_failure(&mut response, error, visit.source());
    }
    Ok(response)
}

fn sentence(words: &Words, error: &Error) -> String {
    let text = &words.sign_in;
    match (error.kind(), error.detail()) {
        (_, Some(Detail::WrongPasswordOrUnverified)) => text.wrong_or_unverified.to_string(),
        (Kind::InvalidCredentials, _) => text.wrong.to_string(),
        (Kind::EmailUnverified, _) => text.unverified.to_string(),
        (Kind::AccountSuspended, _) => text.suspended.to_string(),
        (Kind::AccountDeleted, _) => text.deleted.to_string(),
        _ => problem(words, error),
    }
}

/// The page that helps.
fn way(words: &Words, kind: Kind) -> Option<(&'static str, &str)> {
    match kind {
        Kind::EmailUnverified => {
            Some((Page::ResendVerification.path(), words.sign_in.resend.as_str()))
        }
        Kind::AccountLocked => Some((Page::ForgotPassword.path(), words.sign_in.forgot.as_str())),
        _ => None,
    }
}
