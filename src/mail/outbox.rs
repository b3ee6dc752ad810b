//! The outbox commands: list messages, show one with its opened body, retry delivery.

use super::post::{self, Request, SealedBody, SealedRequest};
use crate::error::{Error, Kind, Result};
use crate::model::{Secret, Time};
use crate::seal::MasterKey;
use crate::store::Store;
use crate::store::db::Db;
use crate::store::tables::outbox;

pub use crate::store::tables::outbox::{Message, MessageState};

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
    /// A request: the letter does not exist yet.
    Request(Request),
}

/// A page of messages without bodies, newest first, optionally of one state and older than the id
/// `before`.
///
/// # Errors
/// `Unavailable`.
pub async fn list(
    store: &Store,
    state: Option<MessageState>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Message>> {
    let before = before.map(ToOwned::to_owned);
    store.scan(move |db| outbox::list(db, state, before.as_deref(), limit)).await
}

/// The number of messages per state; states without messages are omitted.
///
/// # Errors
/// `Unavailable`.
pub async fn count(store: &Store) -> Result<Vec<(MessageState, i64)>> {
    store.scan(outbox::count).await
}

/// One message with its opened body. Only the command line uses it.
///
/// # Errors
/// `NotFound`, or `Internal` if the body cannot be opened.
pub async fn show(store: &Store, master: &MasterKey, id: &str) -> Result<OutboxEntry> {
    let wanted = id.to_owned();
    let found = store.read(move |db| outbox::find(db, &wanted)).await?;
    let mut message = found.ok_or_else(|| unknown(id))?;
    let body = match (&message.sealed, &message.recipient) {
        (None, _) => None,
        (Some(_), None) => {
            Some(MessageBody::Request(post::open::<SealedRequest>(master, &message)?.request))
        }
        (Some(_), Some(_)) => {
            let SealedBody { subject, text, html, .. } = post::open(master, &message)?;
            Some(MessageBody::Letter { subject, text: Secret::new(text), html: Secret::new(html) })
        }
    };
    message.sealed = None;
    Ok(OutboxEntry { message, body })
}

/// Makes a message due immediately; a running server picks it up within a second.
///
/// # Errors
/// `NotFound`; `Validation` if the message was delivered or its link has expired.
pub fn retry(db: &mut dyn Db, id: &str, now: Time) -> Result<Message> {
    match (outbox::retry(db, id, now)?, outbox::find(db, id)?) {
        (_, None) => Err(unknown(id)),
        (true, Some(message)) => Ok(Message { sealed: None, ..message }),
        (false, Some(message)) => {
            let state = message.state.as_str();
            let why = format!(
                "Message {id} is {state} and cannot be sent again: its body is erased or its link expired"
            );
            Err(Error::with(Kind::Validation, why))
        }
    }
}

fn unknown(id: &str) -> Error {
    Error::with(Kind::NotFound, format!("No message {id} in the outbox"))
}
