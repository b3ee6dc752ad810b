//! The interface of a channel: one attempt to deliver one message, and its result.

use super::{Channel, OpenedMessage};
use crate::env::Later;
use crate::error::Result;

/// The result of one delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The other server accepted the message.
    Delivered,
    /// A temporary failure of this message; the outbox stores the reason.
    Later(String),
    /// The other server cannot be used at the moment: every message of the channel waits.
    Unreachable(String),
    /// The other server rejects this message permanently.
    Never(String),
}

/// Delivers the messages of one channel.
pub trait Deliver: Send + Sync {
    /// The channel whose messages it delivers.
    fn channel(&self) -> Channel;

    /// Attempts once to deliver one message.
    ///
    /// # Errors
    /// `Internal` if the body has a format that the channel does not know.
    fn deliver<'a>(&'a self, message: &'a OpenedMessage) -> Later<'a, Result<Delivery>>;

    /// False if no server to deliver to is configured: messages then stay in the outbox.
    fn is_configured(&self) -> bool;

    /// Closes open connections; the worker calls this when nothing is left to deliver.
    fn rest(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
