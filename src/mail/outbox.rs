//! The outbox as the command line shows it: lists, a message with its opened body, another try.

use super::post::{self, Request, Sealed, SealedRequest};
use crate::error::{Error, Kind, Result};
use crate::model::{Secret, Time};
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::{Store, outbox};

pub use crate::store::outbox::{Message, State};

/// A message with what is in it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its row, without the sealed bytes.
    pub message: Message,
    /// What is in it; nothing once it is delivered or dropped.
    pub body: Option<Body>,
}

/// What is in a message.
#[derive(Debug, Clone)]
pub enum Body {
    /// A letter.
    Letter {
        /// One line.
        subject: String,
        /// The plain text, links and all.
        text: Secret,
        /// The same as HTML.
        html: Secret,
    },
    /// Only a request: the letter is not written yet.
    Request(Request),
}

/// A page of messages without their bodies, the newest first, of one state or all, from before the id `before`.
///
/// # Errors
/// `Unavailable`.
pub async fn list(store: &Store, state: Option<State>, before: Option<&str>, limit: i64) -> Result<Vec<Message>> {
    let before = before.map(ToOwned::to_owned);
    store.scan(move |db| outbox::list(db, state, before.as_deref(), limit)).await
}

/// How many messages are in which state; states without any are left out.
///
/// # Errors
/// `Unavailable`.
pub async fn count(store: &Store) -> Result<Vec<(State, i64)>> {
    store.scan(outbox::count).await
}

/// One message with its opened body. For the command line alone.
///
/// # Errors
/// `NotFound`, or when the body cannot be opened.
pub async fn show(store: &Store, master: &MasterKey, id: &str) -> Result<Shown> {
    let wanted = id.to_owned();
    let found = store.read(move |db| outbox::find(db, &wanted)).await?;
    let mut message = found.ok_or_else(|| unknown(id))?;
    let body = match (&message.sealed, &message.recipient) {
        (None, _) => None,
        (Some(_), None) => Some(Body::Request(post::open::<SealedRequest>(master, &message)?.request)),
        (Some(_), Some(_)) => {
            let Sealed { subject, text, html, .. } = post::open(master, &message)?;
            Some(Body::Letter { subject, text: Secret::new(text), html: Secret::new(html) })
        }
    };
    message.sealed = None;
    Ok(Shown { message, body })
}

/// Makes a message due at once, inside a write; a running server takes it within a second.
///
/// # Errors
/// `NotFound`, or `Validation` when it has been delivered or its link is dead.
pub fn retry(db: &mut dyn Db, id: &str, now: Time) -> Result<Message> {
    match (outbox::retry(db, id, now)?, outbox::find(db, id)?) {
        (_, None) => Err(unknown(id)),
        (true, Some(message)) => Ok(Message { sealed: None, ..message }),
        (false, Some(message)) => {
            let state = message.state.as_str();
            let why =
                format!("Message {id} is {state} and cannot be sent again: its body is erased or its link is dead");
            Err(Error::with(Kind::Validation, why))
        }
    }
}

fn unknown(id: &str) -> Error {
    Error::with(Kind::NotFound, format!("No message {id} in the outbox"))
}
