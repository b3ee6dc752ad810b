//! Logins with providers: the way to a provider and back, and the step in which the person proves an
//! address or the existing account.

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::error::{Detail, Error, Extra, Kind, ProviderFault, Result, limit};
use crate::http::server::reject;
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh::Fresh;
use crate::identity::login::gate::Issued;
use crate::identity::login::remember::Remember;
use crate::identity::provider;
use crate::identity::provider::{BegunFlow, ProviderAnswer, Redirect, WaitingStep};
use crate::model::identity::ProviderStep;
use crate::model::{Email, Secret, secret};
use crate::web::entry::{enter, factor};
use crate::web::html::Layout;
use crate::web::jar::PageCookie;
use crate::web::notice::Notice;
use crate::web::site::{SayView, note_failure};
use crate::web::stop::{Stop, problem};
use crate::web::target::{CONNECTIONS, Target, with_target};
use crate::web::view::{FieldKind, FieldView};
use crate::web::visit::{Visit, add_cookie, go};
use crate::words::Words;

/// The page of the step.
const STEP: &str = "/sign-in/connect";

/// A button of the sign-in and sign-up pages.
pub(super) struct ProviderButton {
    pub(super) path: String,
    pub(super) label: String,
    /// The preset whose logo it has.
    pub(super) preset: Option<String>,
}

/// The buttons of all providers.
pub(super) async fn buttons(visit: &Visit, target: Option<&str>) -> Result<Vec<ProviderButton>> {
    let text = &visit.words().words.provider;
    let button = |one: provider::ProviderListing| ProviderButton {
        path: with_target(&format!("/sign-in/provider/{}", one.name), target),
        label: text.button(&one.label),
        preset: one.preset,
    };
    Ok(provider::offered(visit.core()).await?.into_iter().map(button).collect())
}

/// Asks for what a login with a provider needs.
#[derive(Template)]
#[template(path = "pages/connect.html")]
struct ConnectView<'a> {
    layout: Layout<'a>,
    text: String,
    problem: Option<String>,
    /// The address to send a code to, where it can be chosen.
    email: Option<FieldView<'a>>,
    /// The address of the existing account.
    fixed: Option<String>,
    code: Option<FieldView<'a>>,
    sign_in: Option<String>,
}

/// `GET /sign-in/provider/:name`
pub(super) async fn begin(visit: &Visit) -> Result<Response, Stop> {
    let target = visit.target()?;
    let name = visit.segment(3).unwrap_or_default().to_owned();
    let begun = match visit.context.limited().count().await {
        Ok(counted) => {
            let (core, own) = (visit.core(), Redirect::OwnPage);
            provider::begin(core, &name, &own, Remember::Long, &counted).await
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok(begun) => {
            let mut response = go(&begun.url);
            add_cookie(&mut response, &flow_cookie(visit, &begun, target.as_ref()));
            Ok(response)
        }
        Err(error) if error.detail() == Some(&Detail::Provider(ProviderFault::Unknown)) => {
            let ways = buttons(visit, target.as_ref().map(Target::as_str)).await?;
            fault_with(visit, target.as_ref(), &error, &ways)
        }
        Err(error) => fault(visit, target.as_ref(), &error),
    }
}

/// The cookie of a flow: what was sealed, and where to go afterwards, which is checked again.
pub(in crate::web) fn flow_cookie(
    visit: &Visit,
    begun: &BegunFlow,
    target: Option<&Target>,
) -> String {
    let value = join(begun.flow.reveal(), target);
    visit.jar.set(PageCookie::ProviderFlow, &value, Some(provider::FLOW_LIFE))
}

fn join(sealed: &str, target: Option<&Target>) -> String {
    let target = target.map(|target| secret::encode(target.as_str().as_bytes()));
    target.map_or_else(|| sealed.to_owned(), |target| format!("{sealed}.{target}"))
}

/// The sealed part of a cookie, and where to go afterwards.
fn split(visit: &Visit, cookie: Option<&Secret>) -> Result<(Secret, Option<Target>), Stop> {
    let stale = || Stop::from(Error::from(ProviderFault::Stale));
    let value = cookie.ok_or_else(stale)?.reveal();
    let (sealed, target) = value.split_once('.').map_or((value, None), |(a, b)| (a, Some(b)));
    let target = target.and_then(secret::decode).and_then(|bytes| String::from_utf8(bytes).ok());
    Ok((Secret::new(sealed), Target::admit(target, &visit.core().config.pages)?))
}

/// `GET /sign-in/provider/:name/callback`
pub(super) async fn call_back(visit: &Visit) -> Result<Response, Stop> {
    let answer = ProviderAnswer {
        code: visit.parameter("code"),
        state: visit.parameter("state").unwrap_or_default(),
        iss: visit.parameter("iss"),
        error: visit.parameter("error"),
        error_description: visit.parameter("error_description"),
        user: visit.parameter("user"),
    };
    // Counted first, so that answers which belong to no login do not fill the log.
    let counted = match visit.context.limited().count().await {
        Ok(counted) => counted,
        Err(error) => return fault(visit, None, &error),
    };
    let name = visit.segment(3).unwrap_or_default();
    let (flow, target) = match split(visit, visit.provider_flow.as_ref()) {
        Ok(kept) => kept,
        Err(Stop::Failed(error)) => {
            provider::note_stale(name, "it came to a browser without the cookie of a login");
            return fault(visit, None, &error);
        }
        Err(stop) => return Err(stop),
    };
    let (core, source) = (visit.core(), visit.source());
    // Each provider has a page of its own: an answer that came to another's may be of another provider,
    // and is sent nowhere (RFC 9700, section 4.4.2.2).
    if !provider::is_of(core, &flow, name) {
        let why = "the cookie is that of a login with another provider, or too old";
        provider::note_stale(name, why);
        return fault(visit, target.as_ref(), &ProviderFault::Stale.into());
    }
    if provider::is_link(core, &flow) {
        return link(visit, &flow, &answer, &counted).await;
    }
    let entered = provider::complete(core, &flow, &answer, &counted, source).await;
    let mut response = finish(visit, target.as_ref(), entered).await?;
    add_cookie(&mut response, &visit.jar.clear(PageCookie::ProviderFlow));
    Ok(response)
}

/// The account page after a provider's answer, or the next step.
async fn finish(
    visit: &Visit,
    target: Option<&Target>,
    entered: Result<Issued>,
) -> Result<Response, Stop> {
    let error = match entered {
        Ok(issued) => {
            let mut response = enter(visit, &issued, target).await?;
            add_cookie(&mut response, &visit.jar.clear(PageCookie::ProviderStep));
            return Ok(response);
        }
        Err(error) => error,
    };
    if let Some(response) = factor::ask(visit, &error, target) {
        return Ok(response);
    }
    match error.extra() {
        Some(Extra::ProviderStep { token, expires_in, .. }) => {
            let mut response = go(STEP);
            let value = join(token.reveal(), target);
            let cookie = visit.jar.set(PageCookie::ProviderStep, &value, Some(*expires_in));
            add_cookie(&mut response, &cookie);
            Ok(response)
        }
        _ => fault(visit, target, &error),
    }
}

/// Connects the account at the provider with the account of the session in which that began.
async fn link(
    visit: &Visit,
    flow: &Secret,
    answer: &ProviderAnswer,
    counted: &Counted<limit::Provider>,
) -> Result<Response, Stop> {
    let Some(caller) = visit.caller() else { return Err(Stop::LoggedOut(Some(CONNECTIONS))) };
    let linked = match Fresh::check(visit.core(), caller).await {
        Ok(fresh) => {
            provider::link(visit.core(), &fresh, flow, answer, counted, visit.source()).await
        }
        Err(error) => Err(error),
    };
    let mut response = match linked {
        Ok(_) => visit.go_with(CONNECTIONS, Notice::connected(&caller.account)),
        Err(error) => fault(visit, None, &error)?,
    };
    add_cookie(&mut response, &visit.jar.clear(PageCookie::ProviderFlow));
    Ok(response)
}

/// `GET /sign-in/connect`
pub(super) async fn open(visit: &Visit) -> Result<Response, Stop> {
    show(visit, None).await
}

/// `POST /sign-in/connect/code`
pub(super) async fn send(visit: &Visit) -> Result<Response, Stop> {
    let (token, target) = split(visit, visit.provider_step.as_ref())?;
    let typed = visit.text("email");
    let email = Email::parse(&typed);
    if email.is_none() && !typed.is_empty() {
        return show(
            visit,
            Some(&Error::invalid_field(crate::error::Field::Email, crate::error::Rule::Email)),
        )
        .await;
    }
    let sent = match visit.context.limited().count().await {
        Ok(counted) => {
            let (core, source) = (visit.core(), visit.source());
            provider::request_code(core, &token, email.as_ref(), &counted, source).await
        }
        Err(error) => Err(error),
    };
    match sent {
        Ok(sent) => {
            let mut response = go(STEP);
            let value = join(sent.token.reveal(), target.as_ref());
            let cookie = visit.jar.set(PageCookie::ProviderStep, &value, Some(sent.expires_in));
            add_cookie(&mut response, &cookie);
            Ok(response)
        }
        Err(error) => show(visit, Some(&error)).await,
    }
}

/// `POST /sign-in/connect`
pub(super) async fn press(visit: &Visit) -> Result<Response, Stop> {
    let (token, target) = split(visit, visit.provider_step.as_ref())?;
    let code = visit.text("code");
    let entered = match visit.context.limited().count().await {
        Ok(counted) => {
            let (core, source) = (visit.core(), visit.source());
            provider::complete_step(core, &token, &code, &counted, source).await
        }
        Err(error) => Err(error),
    };
    match entered {
        Err(error) if matches!(error.kind(), Kind::CodeInvalid | Kind::TooMany(_)) => {
            show(visit, Some(&error)).await
        }
        other => finish(visit, target.as_ref(), other).await,
    }
}

/// Shows what the step asks for.
async fn show(visit: &Visit, failure: Option<&Error>) -> Result<Response, Stop> {
    let waiting = match split(visit, visit.provider_step.as_ref()) {
        Ok((token, _)) => provider::step_of(visit.core(), &token).await.map_err(Stop::from),
        Err(stop) => Err(stop),
    };
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(Stop::Failed(error)) => return fault(visit, None, &error),
        Err(stop) => return Err(stop),
    };
    let words = visit.words().words;
    let (text, WaitingStep { step, label, mailed }) = (&words.provider, waiting);
    let says = failure.map(|error| sentence(words, error));
    let sign_in = || with_target("/sign-in?again", Some(CONNECTIONS));
    let mut view = ConnectView {
        layout: visit.layout(&text.title),
        text: String::new(),
        problem: None,
        email: None,
        fixed: None,
        code: None,
        sign_in: None,
    };
    match (mailed, step) {
        (Some(email), _) => {
            view.text = text.sent_text(&email);
            let code = FieldView::new(words, FieldKind::Code, "code", &text.code);
            view.code = Some(code.at_most(20).refused(says).focused());
            view.fixed = Some(email.to_string());
        }
        (None, ProviderStep::Address(stated)) => {
            view.text = text.email_text(&label);
            let stated = stated.map(|email| email.to_string()).unwrap_or_default();
            let field =
                FieldView::new(words, FieldKind::Email, "email", &words.common.email_address);
            let field = field.completed_as("email").at_most(254).holding(&*stated);
            view.email = Some(field.refused(says).focused());
        }
        (None, ProviderStep::ExistingAccount(email)) => {
            view.text = text.existing_text(&email, &label);
            view.problem = says;
            view.fixed = Some(email.to_string());
            view.sign_in = Some(sign_in());
        }
        (None, ProviderStep::LogIn(email)) => {
            view.text = text.login_text(&email, &label);
            view.sign_in = Some(sign_in());
        }
    }
    let status = failure.map_or(StatusCode::OK, |error| reject::status(error.kind()));
    let mut response = visit.site.render(status, &view)?;
    if let Some(error) = failure {
        note_failure(&mut response, error, visit.source());
    }
    Ok(response)
}

/// Says why a login at a provider did not work, and how to go on.
fn fault(visit: &Visit, target: Option<&Target>, error: &Error) -> Result<Response, Stop> {
    fault_with(visit, target, error, &[])
}

/// The same, with the providers that there are.
fn fault_with(
    visit: &Visit,
    target: Option<&Target>,
    error: &Error,
    ways: &[ProviderButton],
) -> Result<Response, Stop> {
    let words = visit.words().words;
    let text = sentence(words, error);
    let sign_in = with_target("/sign-in", target.map(Target::as_str));
    let mut links: Vec<_> = ways.iter().map(|one| (&*one.path, &*one.label)).collect();
    links.push((&sign_in, &words.shell.sign_in));
    let layout = visit.layout(&words.provider.failed_title);
    let status = reject::status(error.kind());
    let mut response =
        visit.site.render(status, &SayView { layout, text: &text, links: &links })?;
    note_failure(&mut response, error, visit.source());
    Ok(response)
}

/// What a page says of an error of a login with a provider.
pub(in crate::web) fn sentence(words: &Words, error: &Error) -> String {
    let text = &words.provider;
    match (error.kind(), error.detail()) {
        (_, Some(Detail::Provider(fault))) => match fault {
            ProviderFault::Stale => text.stale.to_string(),
            ProviderFault::Denied => text.denied.to_string(),
            ProviderFault::Unknown => text.unknown.to_string(),
            ProviderFault::Taken => words.account.connections.taken.to_string(),
            _ => text.refused.to_string(),
        },
        (_, Some(Detail::AddressUnverified)) => words.account.connections.unverified.to_string(),
        (Kind::CodeInvalid, _) => words.factor.wrong.to_string(),
        (Kind::Validation, _) => words.problems.no_address.to_string(),
        (Kind::AccountSuspended, _) => words.sign_in.suspended.to_string(),
        (Kind::AccountDeleted, _) => words.sign_in.deleted.to_string(),
        (Kind::EmailUnverified, _) => words.sign_in.unverified.to_string(),
        _ => problem(words, error),
    }
}
