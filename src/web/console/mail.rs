//! The outbox: what waits, what was given up and why, and another attempt.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::admin::messages;
use crate::identity::admin::messages::{Message, MessageState};
use crate::model::{AccountId, percent};
use crate::web::console::accounts::page_of;
use crate::web::console::cells::{self, Tag};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::MAIL;
use crate::web::time::Moment;

/// Messages on a page.
const ON_PAGE: i64 = 15;

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
    account: String,
    is_configured: bool,
}

pub(super) struct MessageLine {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) recipient: Option<String>,
    pub(super) account: Option<String>,
    pub(super) state: Tag,
    pub(super) attempts: i64,
    pub(super) error: Option<String>,
    pub(super) created: Moment,
    pub(super) next: Option<Moment>,
    pub(super) can_retry: bool,
}

/// `GET /console/mail`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let asked = visit.parameter("state");
    let state = STATES.into_iter().find(|state| Some(state.as_str()) == asked.as_deref());
    let before = visit.parameter("before").filter(|id| id.len() <= 64);
    let (core, before) = (visit.core(), before.as_deref());
    let account = visit.parameter("account").filter(|id| !id.is_empty() && id.len() <= 64);
    let (found, next) = match account.as_deref().map(AccountId::new) {
        Some(account) => messages::list_of(core, &account, state, before, ON_PAGE).await?,
        None => messages::list(core, state, before, ON_PAGE).await?,
    };
    let of_state = state.map(|state| format!("state={}&", state.as_str())).unwrap_or_default();
    let of_account = account.as_deref().map(|id| format!("account={}&", percent::encode(id)));
    let filter = format!("{of_state}{}", of_account.unwrap_or_default());
    let view = OutboxView {
        frame: visit.frame(visit.page.title),
        states: STATES.map(|one| (one.as_str(), Some(one) == state)).to_vec(),
        messages: found.into_iter().map(line).collect(),
        older: next.map(|id| format!("{MAIL}?{filter}before={}", percent::encode(&id))),
        account: account.unwrap_or_default(),
        is_configured: visit.core().config.mail.smtp.is_some(),
    };
    visit.show(&view)
}

/// A message as the pages show it.
pub(super) fn line(message: Message) -> MessageLine {
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
    messages::retry(visit.core(), &visit.by(), &visit.text("id")).await?;
    Ok(visit.done(MAIL, Notice::MessageRetried))
}
