//! The page for the second factor of a login. The pending login travels in a cookie.

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::error::{Error, Extra, Kind, Result};
use crate::http::server::reject;
use crate::identity::login::challenge;
use crate::model::{FactorKind, Method, Secret};
use crate::web::entry::enter;
use crate::web::html::Layout;
use crate::web::jar::PageCookie;
use crate::web::notice::Notice;
use crate::web::site::note_failure;
use crate::web::stop::{Stop, problem};
use crate::web::target::{Target, with_target};
use crate::web::view::{FieldKind, FieldView};
use crate::web::visit::{Visit, add_cookie, go};
use crate::words::{Text, Words};

/// The path of the page.
const FACTOR: &str = "/sign-in/factor";

/// Asks for a code.
#[derive(Template)]
#[template(path = "pages/factor.html")]
struct FactorView<'a> {
    layout: Layout<'a>,
    text: String,
    note: Option<&'a str>,
    target: Option<&'a str>,
    /// None where only a key completes the login.
    code: Option<FieldView<'a>>,
    takes_key: bool,
    /// The methods that send a code, and the labels of their buttons.
    sends: Vec<(&'static str, &'a Text)>,
}

/// `GET /sign-in/factor`
pub(super) async fn open(visit: &Visit) -> Result<Response, Stop> {
    let target = visit.target()?;
    show(visit, target.as_ref(), None).await
}

/// `POST /sign-in/factor`
pub(super) async fn press(visit: &Visit) -> Result<Response, Stop> {
    let (target, pending, code) = (visit.target()?, pending(visit)?, visit.text("code"));
    if code.is_empty() {
        return show(visit, target.as_ref(), Some(Kind::Validation.into())).await;
    }
    let counted = match visit.context.limited().count().await {
        Ok(counted) => counted,
        Err(error) => return show(visit, target.as_ref(), Some(error)).await,
    };
    let (core, source) = (visit.core(), visit.source());
    match challenge::complete(core, pending.reveal(), &code, &counted, source).await {
        Ok(issued) => enter(visit, &issued, target.as_ref()).await,
        Err(error) => show(visit, target.as_ref(), Some(error)).await,
    }
}

/// `POST /sign-in/factor/send`
pub(super) async fn send(visit: &Visit) -> Result<Response, Stop> {
    let (target, pending) = (visit.target()?, pending(visit)?);
    let kind = FactorKind::parse(&visit.text("method"));
    let (core, source) = (visit.core(), visit.source());
    let sent = match visit.context.limited().count().await {
        Ok(counted) => challenge::send(core, pending.reveal(), kind, &counted, source).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(_) => {
            let place = with_target(FACTOR, target.as_ref().map(Target::as_str));
            Ok(visit.go_with(&place, Notice::CodeSent))
        }
        Err(error) => show(visit, target.as_ref(), Some(error)).await,
    }
}

/// Leads to this page, if that is what the login still needs.
pub(super) fn ask(visit: &Visit, error: &Error, target: Option<&Target>) -> Option<Response> {
    let Some(Extra::Challenge { token, expires_in, .. }) = error.extra() else { return None };
    let mut response = go(&with_target(FACTOR, target.map(Target::as_str)));
    let cookie = visit.jar.set(PageCookie::Pending, token.reveal(), Some(*expires_in));
    add_cookie(&mut response, &cookie);
    Some(response)
}

pub(super) fn pending(visit: &Visit) -> Result<&Secret, Stop> {
    visit.pending.as_ref().ok_or(Stop::LoginOver)
}

pub(super) async fn show(
    visit: &Visit,
    target: Option<&Target>,
    failure: Option<Error>,
) -> Result<Response, Stop> {
    let over = |kind: Kind| matches!(kind, Kind::TokenInvalid | Kind::TokenExpired);
    if failure.as_ref().is_some_and(|error| over(error.kind())) {
        return Err(Stop::LoginOver);
    }
    let pending = pending(visit)?;
    let methods = challenge::methods(visit.core(), pending.reveal(), visit.source()).await;
    let methods = match methods {
        Err(error) if over(error.kind()) => return Err(Stop::LoginOver),
        other => other?,
    };
    let words = visit.words().words;
    let reason = failure.as_ref().map(|error| sentence(words, error));
    let code = FieldView::new(words, FieldKind::Code, "code", &words.factor.code)
        .at_most(64)
        .refused(reason)
        .focused();
    let view = FactorView {
        layout: visit.layout_of("second-step", &words.factor.title),
        text: explanation(words, &methods),
        note: visit.notice.map(|notice| notice.text(words)),
        target: target.map(Target::as_str),
        code: methods.iter().any(|method| *method != Method::Passkey).then_some(code),
        takes_key: methods.contains(&Method::Passkey),
        sends: methods.iter().filter_map(|method| button(words, *method)).collect(),
    };
    let status = failure.as_ref().map_or(StatusCode::OK, |error| reject::status(error.kind()));
    let mut response = visit.site.render(status, &view)?;
    if let Some(error) = &failure {
        note_failure(&mut response, error, visit.source());
    }
    Ok(response)
}

/// What the code is, by the first method: its code was sent.
fn explanation(words: &Words, methods: &[Method]) -> String {
    let text = &words.factor;
    let first = match methods.first() {
        Some(Method::Factor(FactorKind::Email)) => &text.text_mail,
        Some(Method::Factor(FactorKind::Sms)) => &text.text_sms,
        Some(Method::Passkey) => &text.text_key,
        _ => &text.text_app,
    };
    if methods.contains(&Method::BackupCode) {
        format!("{first}{}{}", words.lists.sentence_space, text.text_backup)
    } else {
        first.to_string()
    }
}

fn button(words: &Words, method: Method) -> Option<(&'static str, &Text)> {
    match method {
        Method::Factor(kind @ FactorKind::Email) => Some((kind.as_str(), &words.factor.send_mail)),
        Method::Factor(kind @ FactorKind::Sms) => Some((kind.as_str(), &words.factor.send_sms)),
        Method::Factor(FactorKind::Totp) | Method::Passkey | Method::BackupCode => None,
    }
}

fn sentence(words: &Words, error: &Error) -> String {
    match error.kind() {
        Kind::MfaCodeInvalid => words.factor.wrong.to_string(),
        Kind::BackupCodeUsed => words.factor.used.to_string(),
        Kind::Validation => words.problems.required.to_string(),
        _ => problem(words, error),
    }
}
