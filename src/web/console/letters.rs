//! Letters as their readers see them, in every language, and a test letter.

use askama::Template;
use poem::Response;
use poem::http::HeaderValue;
use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};

use crate::error::Result;
use crate::identity::admin::mail_check;
use crate::identity::admin::mail_check::MailTestReport;
use crate::model::{Email, percent};
use crate::web::console::cells::{self, Tag};
use crate::web::console::form::{ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::MAIL;
use crate::web::view::{FieldKind, FieldView};

const LETTERS: &str = "/console/letters";

/// What a letter may do in its frame: look as its own styles say, and nothing else. It loads no file and
/// runs no script, and the sandbox makes it a page of no origin. Letters have their styles in
/// attributes, because many programs for mail know no others.
const LETTER_POLICY: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The letters.
#[derive(Template)]
#[template(path = "pages/console/letters.html")]
struct LettersView<'a> {
    frame: ConsoleFrame<'a>,
    languages: Vec<LanguageChoice<'a>>,
    letters: Vec<(String, String, String)>,
    tag: &'a str,
}

/// One letter.
#[derive(Template)]
#[template(path = "pages/console/letter.html")]
struct LetterView<'a> {
    frame: ConsoleFrame<'a>,
    languages: Vec<LanguageChoice<'a>>,
    action: String,
    source: String,
    tag: &'a str,
    subject: String,
    text: String,
}

struct LanguageChoice<'a> {
    tag: &'a str,
    name: &'a str,
    is_chosen: bool,
}

/// What a test letter met.
#[derive(Template)]
#[template(path = "pages/console/mail_test.html")]
struct MailTestView<'a> {
    frame: ConsoleFrame<'a>,
    to: String,
    is_sent: bool,
    steps: Vec<(Tag, &'static str, String)>,
    remedy: Option<&'static str>,
}

/// The languages, and the tag of the chosen one: that of the query, or else that of the server.
fn languages(visit: &ConsoleVisit) -> (Vec<LanguageChoice<'_>>, &str) {
    let asked = visit.parameter("language").unwrap_or_default();
    let all = mail_check::languages(visit.core());
    let found = all.iter().find(|(tag, _)| *tag == asked).map(|(tag, _)| *tag);
    let chosen = found.unwrap_or(visit.core().words.pick([]).tag);
    let choice = |(tag, name)| LanguageChoice { tag, name, is_chosen: tag == chosen };
    (all.into_iter().map(choice).collect(), chosen)
}

/// `GET /console/letters`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (languages, tag) = languages(visit);
    let mut letters = Vec::new();
    for name in mail_check::letters() {
        let path = format!("{LETTERS}/{name}?language={}", percent::encode(tag));
        let subject = mail_check::preview(visit.core(), name, Some(tag))?.subject;
        letters.push((path, cells::words(name), subject));
    }
    let frame = visit.frame(visit.page.title);
    std::future::ready(visit.show(&LettersView { frame, languages, letters, tag })).await
}

/// `GET /console/letters/{letter}`
pub(super) async fn show(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (name, (languages, tag)) = (visit.id()?, languages(visit));
    let letter = mail_check::preview(visit.core(), &name, Some(tag))?;
    let (action, title) = (format!("{LETTERS}/{name}"), cells::words(&name));
    let view = LetterView {
        frame: visit.frame(&title),
        languages,
        source: format!("{action}/html?language={}", percent::encode(tag)),
        action,
        tag,
        subject: letter.subject,
        text: letter.text,
    };
    let mut response = visit.show(&view)?;
    let headers = response.headers_mut();
    let policy = headers.get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let policy = format!("{}; frame-src 'self'", policy.unwrap_or("default-src 'none'"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    std::future::ready(Ok(response)).await
}

/// `GET /console/letters/{letter}/html`
pub(super) async fn html(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (name, (_, tag)) = (visit.id()?, languages(visit));
    let letter = mail_check::preview(visit.core(), &name, Some(tag))?;
    let response = Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .header(CONTENT_SECURITY_POLICY, LETTER_POLICY)
        .header(X_FRAME_OPTIONS, "SAMEORIGIN")
        .body(letter.html);
    std::future::ready(Ok(response)).await
}

/// `GET /console/mail/test`
pub(super) async fn ask_test(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show_test(visit, None).await
}

async fn show_test(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let own = visit.caller.account.email.as_ref().map(ToString::to_string).unwrap_or_default();
    let to = FieldView::new(visit.english(), FieldKind::Email, "to", "To")
        .at_most(crate::model::email::MAX_LENGTH)
        .holding(visit.field("to").unwrap_or(own))
        .focused();
    let form = ConsoleForm {
        title: visit.page.title,
        text: "A short letter is sent now, past the outbox. The next page shows each step of the conversation with the mail server. It takes at most 30 seconds.",
        fields: vec![to],
        button: "Send test letter",
        back: MAIL.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/mail/test`
pub(super) async fn test(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let Some(to) = Email::parse(&visit.text("to")) else {
        let refused = FormRefusal::saying("The address must be one such as name@example.com");
        return show_test(visit, Some(refused)).await;
    };
    match mail_check::test(visit.core(), &visit.by(), &to).await {
        Ok(report) => show_report(visit, &to, report),
        Err(error) => show_test(visit, Some(FormRefusal::of(error)?)).await,
    }
}

fn show_report(visit: &ConsoleVisit, to: &Email, report: MailTestReport) -> Result<Response, Stop> {
    let tag = |is_done| {
        let (word, look) = if is_done { ("ok", "good") } else { ("failed", "bad") };
        Tag { word, look }
    };
    let steps = report.steps.into_iter().map(|step| (tag(step.is_done), step.name, step.answer));
    visit.show(&MailTestView {
        frame: visit.frame(visit.page.title),
        to: to.to_string(),
        is_sent: report.is_sent,
        steps: steps.collect(),
        remedy: report.remedy,
    })
}
