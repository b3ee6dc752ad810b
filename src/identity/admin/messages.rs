//! The outbox for administrators: listing messages, retrying them, and opening one on the command
//! line.

use crate::error::Result;
use crate::identity::Core;
use crate::identity::access::actor::By;
use crate::identity::audit::log::AuditLog;
use crate::mail::LetterBody;
use crate::model::event::What;
use crate::model::{AccountId, Event, Permission, Secret};
use crate::outbox::{self, Channel, Job, Outbox, SealedJob};
use crate::sms::TextBody;
use crate::store::db::Db;
use crate::store::{self, Store};

pub use crate::outbox::{Message, MessageState};

/// A message with its opened body.
#[derive(Debug, Clone)]
pub struct OutboxEntry {
    /// The row, without the sealed bytes.
    pub message: Message,
    /// `None` once the message is delivered or dropped.
    pub body: Option<MessageBody>,
}

/// The opened body of a message.
#[derive(Debug, Clone)]
pub enum MessageBody {
    Letter {
        subject: String,
        /// The plain text, including links.
        text: Secret,
        html: Secret,
    },
    /// A text message.
    Text(Secret),
    /// A job: the message does not exist yet.
    Job(Job),
}

/// Lists messages from before an id, newest first, with the id to pass for the next page.
///
/// # Errors
/// `Unavailable`.
pub async fn list(
    core: &Core,
    state: Option<MessageState>,
    before: Option<&str>,
    limit: i64,
) -> Result<(Vec<Message>, Option<String>)> {
    let mut letters = outbox::list(&core.store, state, before, limit + 1).await?;
    let next = crate::identity::audit::log::cut(&mut letters, limit, |letter| letter.id.clone());
    Ok((letters, next))
}

/// As [`list`], of one account.
///
/// # Errors
/// `Unavailable`.
pub async fn list_of(
    core: &Core,
    account: &AccountId,
    state: Option<MessageState>,
    before: Option<&str>,
    limit: i64,
) -> Result<(Vec<Message>, Option<String>)> {
    let (account, before) = (account.clone(), before.map(str::to_owned));
    let read = move |db: &mut dyn Db| {
        store::tables::outbox::list_of(db, &account, state, before.as_deref(), limit + 1)
    };
    let mut letters = core.store.scan(read).await?;
    let next = crate::identity::audit::log::cut(&mut letters, limit, |letter| letter.id.clone());
    Ok((letters, next))
}

/// One message with its opened body. Only the command line uses it: an administrator who calls the
/// API must not read other people's links. The audit log records whose message was read.
///
/// # Errors
/// As [`entry`], or `Unavailable`.
pub async fn show(core: &Core, by: &By, id: &str) -> Result<OutboxEntry> {
    let found = entry(&core.store, &core.outbox, id).await?;
    if found.body.is_none() {
        return Ok(found);
    }
    let log = AuditLog::new(core, &by.source);
    let event = Event::done(What::MailShown).by(by.actor.name()).because(id);
    let event = match &found.message.account_id {
        Some(account) => event.about(&AccountId::new(account)),
        None => event,
    };
    core.store.write(move |db| log.record(db, &event)).await?;
    Ok(found)
}

/// Reads a message and opens its body.
///
/// # Errors
/// `NotFound`, or `Internal` if the body cannot be opened.
pub async fn entry(store: &Store, outbox: &Outbox, id: &str) -> Result<OutboxEntry> {
    let message = outbox::get(store, id).await?;
    let body = match &message.sealed {
        Some(_) => Some(open(outbox, &message)?),
        None => None,
    };
    Ok(OutboxEntry { message: Message { sealed: None, ..message }, body })
}

fn open(outbox: &Outbox, message: &Message) -> Result<MessageBody> {
    let opened = outbox.open(message)?;
    Ok(match message.channel {
        Channel::Mail => {
            let LetterBody { subject, text, html, .. } = opened.body()?;
            MessageBody::Letter { subject, text: Secret::new(text), html: Secret::new(html) }
        }
        Channel::Sms => MessageBody::Text(Secret::new(opened.body::<TextBody>()?.text)),
        Channel::Job => MessageBody::Job(opened.body::<SealedJob>()?.job),
    })
}

/// Makes a message due immediately.
///
/// # Errors
/// `NotFound`, `Validation` when it has been delivered or its link has expired, `Forbidden`.
pub async fn retry(core: &Core, by: &By, id: &str) -> Result<Message> {
    let (log, actor, wanted) = (AuditLog::new(core, &by.source), by.actor.clone(), id.to_owned());
    let outbox = core.outbox.clone();
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Mail)?;
            let message = outbox.retry(db, &wanted, log.at())?;
            log.record(db, &Event::done(What::MailRetried).by(actor.name()).because(&wanted))?;
            Ok(message)
        })
        .await
}
