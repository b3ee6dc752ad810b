//! A finished mail, and the interface of what sends it.

use crate::env::Later;
use crate::outbox::Delivery;

/// A finished message.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The same for every attempt, so that a mail server can detect a duplicate.
    pub message_id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl std::fmt::Debug for Mail {
    /// Omits the bodies, because they contain links with tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("message_id", &self.message_id)
            .field("to", &self.to)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Sends finished mail.
pub trait Mailer: Send + Sync {
    /// Attempts once to deliver one mail.
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery>;

    /// False if no mail server is configured: letters then stay in the outbox.
    fn is_configured(&self) -> bool;

    /// Closes open connections; the worker calls this when nothing is left to deliver.
    fn rest(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
