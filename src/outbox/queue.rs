//! The queue as administrators see it: listing messages, reading one, and retrying one.

use super::{Message, MessageState, Outbox};
use crate::error::{Detail, Error, Result};
use crate::model::Time;
use crate::store::db::Db;
use crate::store::{Store, tables};

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
    store.scan(move |db| tables::outbox::list(db, state, before.as_deref(), limit)).await
}

/// One message with its sealed body.
///
/// # Errors
/// `NotFound`.
pub async fn get(store: &Store, id: &str) -> Result<Message> {
    let wanted = id.to_owned();
    let found = store.read(move |db| tables::outbox::find(db, &wanted)).await?;
    found.ok_or_else(|| unknown(id))
}

impl Outbox {
    /// Makes a message due immediately, and notifies its worker once the write is committed. The
    /// server picks up what a command retried within a second.
    ///
    /// # Errors
    /// `NotFound`; `Validation` if the message was delivered or its link has expired.
    pub fn retry(&self, db: &mut dyn Db, id: &str, now: Time) -> Result<Message> {
        let is_due = tables::outbox::retry(db, id, now)?;
        let message = tables::outbox::find(db, id)?.ok_or_else(|| unknown(id))?;
        if !is_due {
            let state = message.state.as_str();
            return Err(Detail::MessageSpent { id: id.to_owned(), state }.into());
        }
        self.notify_after_commit(db, message.channel);
        Ok(Message { sealed: None, ..message })
    }
}

fn unknown(id: &str) -> Error {
    Detail::UnknownMessage(id.to_owned()).into()
}
