//! The page that logs in with a mailed code, where the policy allows it. Its answers do not depend
//! on whether the address has an account.

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::error::{Error, Kind, Result};
use crate::http::server::reject;
use crate::identity::login::passwordless;
use crate::identity::login::remember::Remember;
use crate::model::Email;
use crate::web::entry::enter;
use crate::web::entry::factor;
use crate::web::html::Layout;
use crate::web::site::note_failure;
use crate::web::stop::{Stop, problem};
use crate::web::target::{Target, with_target};
use crate::web::view::{FieldKind, FieldView};
use crate::web::visit::Visit;
use crate::words::Words;

/// The path of the page.
pub(in crate::web) const CODE: &str = "/sign-in/code";

/// The longest code that is accepted.
const MAX_CODE: usize = 16;

/// Asks for the address, and then for the code.
#[derive(Template)]
#[template(path = "pages/code.html")]
struct CodeView<'a> {
    layout: Layout<'a>,
    text: String,
    problem: Option<String>,
    target: Option<&'a str>,
    /// The address, once a code was requested for it.
    address: Option<&'a str>,
    field: FieldView<'a>,
    remember: bool,
    other: String,
}

/// `GET /sign-in/code`
#[allow(clippy::unused_async, reason = "handlers are")]
pub(super) async fn open(visit: &Visit) -> Result<Response, Stop> {
    refuse_where_off(visit)?;
    // An owner who needs a fresh proof has an address already.
    let own = visit.caller().map(|caller| caller.account.promised_email());
    ask_address(visit, visit.target()?.as_ref(), &own.unwrap_or_default(), None)
}

/// `POST /sign-in/code/send`
pub(super) async fn send(visit: &Visit) -> Result<Response, Stop> {
    refuse_where_off(visit)?;
    let (target, typed) = (visit.target()?, visit.text("email"));
    let Some(email) = Email::parse(&typed) else {
        let invalid = Error::new(Kind::Validation);
        return ask_address(visit, target.as_ref(), &typed, Some(&invalid));
    };
    let sent = match visit.context.limited().count().await {
        Ok(counted) => passwordless::request(visit.core(), &email, &counted, visit.source()).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(()) => ask_code(visit, target.as_ref(), &email, None),
        Err(error) => ask_address(visit, target.as_ref(), &typed, Some(&error)),
    }
}

/// `POST /sign-in/code`
pub(super) async fn press(visit: &Visit) -> Result<Response, Stop> {
    refuse_where_off(visit)?;
    let (target, typed, code) = (visit.target()?, visit.text("email"), visit.text("code"));
    let Some(email) = Email::parse(&typed) else {
        let invalid = Error::new(Kind::Validation);
        return ask_address(visit, target.as_ref(), &typed, Some(&invalid));
    };
    if code.is_empty() || code.chars().count() > MAX_CODE {
        let kind = if code.is_empty() { Kind::Validation } else { Kind::CodeInvalid };
        return ask_code(visit, target.as_ref(), &email, Some(&kind.into()));
    }
    let is_long = visit.field("remember").is_some();
    let remember = if is_long { Remember::Long } else { Remember::Short };
    let entered = match visit.context.limited().count().await {
        Ok(counted) => {
            let (core, source) = (visit.core(), visit.source());
            passwordless::verify(core, &email, &code, remember, &counted, source).await
        }
        Err(error) => Err(error),
    };
    match entered {
        Ok(issued) => enter(visit, &issued, target.as_ref()).await,
        Err(error) => match factor::ask(visit, &error, target.as_ref()) {
            Some(response) => Ok(response),
            None => ask_code(visit, target.as_ref(), &email, Some(&error)),
        },
    }
}

fn refuse_where_off(visit: &Visit) -> Result<(), Stop> {
    if visit.core().config.login.passwordless { Ok(()) } else { Err(Kind::NotFound.into()) }
}

fn ask_address(
    visit: &Visit,
    target: Option<&Target>,
    typed: &str,
    failure: Option<&Error>,
) -> Result<Response, Stop> {
    let words = visit.words().words;
    let is_invalid = failure.is_some_and(|error| error.kind() == Kind::Validation);
    let field = FieldView::new(words, FieldKind::Email, "email", &words.common.email_address)
        .completed_as("username")
        .at_most(254)
        .holding(typed)
        .refused(is_invalid.then(|| words.problems.no_address.to_string()))
        .focused();
    show(visit, target, None, field, failure)
}

fn ask_code(
    visit: &Visit,
    target: Option<&Target>,
    email: &Email,
    failure: Option<&Error>,
) -> Result<Response, Stop> {
    let words = visit.words().words;
    let reason = failure.and_then(|error| reason(words, error));
    let field = FieldView::new(words, FieldKind::Code, "code", &words.factor.code)
        .at_most(MAX_CODE)
        .refused(reason)
        .focused();
    show(visit, target, Some(email.as_str()), field, failure)
}

fn show(
    visit: &Visit,
    target: Option<&Target>,
    address: Option<&str>,
    field: FieldView<'_>,
    failure: Option<&Error>,
) -> Result<Response, Stop> {
    let words = visit.words().words;
    let status = failure.map_or(StatusCode::OK, |error| reject::status(error.kind()));
    let target = target.map(Target::as_str);
    let at_field = field.reason.is_some();
    let view = CodeView {
        layout: visit.layout_of("sign-in-code", &words.code.title),
        text: match address {
            Some(address) => words.code.sent_text(address),
            None => words.code.text.to_string(),
        },
        problem: failure.filter(|_| !at_field).map(|error| problem(words, error)),
        target,
        address,
        field,
        remember: failure.is_none() || visit.field("remember").is_some(),
        other: with_target("/sign-in", target),
    };
    let mut response = visit.site.render(status, &view)?;
    if let Some(error) = failure {
        note_failure(&mut response, error, visit.source());
    }
    Ok(response)
}

/// What is said at the field for the code.
fn reason(words: &Words, error: &Error) -> Option<String> {
    match error.kind() {
        Kind::CodeInvalid => Some(words.factor.wrong.to_string()),
        Kind::Validation => Some(words.problems.required.to_string()),
        _ => None,
    }
}
