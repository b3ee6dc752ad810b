//! The outbox: what waits, what was given up and why, and another attempt.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::account::letters;
use crate::identity::account::letters::{Message, MessageState};
use crate::model::percent;
use crate::web::console::accounts::page_of;
use crate::web::console::cells::{self, Tag};
use crate::web::console::desk::{ConsoleFrame, ConsoleVisit};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::MAIL;
use crate::web::time::Moment;

/// Messages on a page.
const ON_PAGE: i64 = 50;

const STATES: [MessageState; 5] = [
    MessageState::Requested,
    MessageState::Waiting,
    MessageState::Failed,
    MessageState::Dropped,
    MessageState::Delivered,
];

/// The outbox.
#[derive(Template)]
#[template(path = "pages/console/mail.html")]
struct OutboxView<'a> {
    frame: ConsoleFrame<'a>,
    states: Vec<(&'static str, bool)>,
    messages: Vec<MessageLine>,
    older: Option<String>,
    is_configured: bool,
}

struct MessageLine {
    id: String,
    kind: String,
    recipient: Option<String>,
    account: Option<String>,
    state: Tag,
    attempts: i64,
    error: Option<String>,
    created: Moment,
    next: Option<Moment>,
    can_retry: bool,
}

/// `GET /console/mail`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = visit.parameter("state");
    let state = STATES.into_iter().find(|state| Some(state.as_str()) == asked.as_deref());
    let before = visit.parameter("before").filter(|id| id.len() <= 64);
    let (found, next) = letters::list(visit.core(), state, before.as_deref(), ON_PAGE).await?;
    let of_state = state.map(|state| format!("state={}&", state.as_str())).unwrap_or_default();
    let view = OutboxView {
        frame: visit.frame(visit.page.title),
        states: STATES.map(|one| (one.as_str(), Some(one) == state)).to_vec(),
        messages: found.into_iter().map(line).collect(),
        older: next.map(|id| format!("{MAIL}?{of_state}before={}", percent::encode(&id))),
        is_configured: visit.core().config.mail.smtp.is_some(),
    };
    visit.show(&view)
}

fn line(message: Message) -> MessageLine {
    let look = match message.state {
        MessageState::Requested | MessageState::Waiting => "off",
        MessageState::Delivered => "good",
        MessageState::Failed | MessageState::Dropped => "bad",
    };
    let is_due = matches!(message.state, MessageState::Requested | MessageState::Waiting);
    MessageLine {
        kind: cells::words(&message.kind),
        recipient: message.recipient,
        account: message.account_id.as_deref().map(page_of),
        state: Tag { word: message.state.as_str(), look },
        attempts: message.attempts,
        error: message.last_error,
        created: cells::time(message.created_at),
        next: is_due.then(|| cells::time(message.next_at)),
        can_retry: is_due || message.state == MessageState::Failed,
        id: message.id,
    }
}

/// `POST /console/mail/retry`
pub(super) async fn retry(visit: &ConsoleVisit) -> Result<Response, Stop> {
    letters::retry(visit.core(), &visit.by(), &visit.text("id")).await?;
    Ok(visit.done(MAIL, Notice::MessageRetried))
}
