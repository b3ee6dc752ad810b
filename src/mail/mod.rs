//! Mail: the letters, their templates, and their delivery over SMTP. Letters wait in the outbox,
//! which this module delivers from as its channel.

mod channel;
mod compose;
pub mod letter;
pub mod smtp;
pub mod template;
pub mod templates;

use std::sync::Arc;

use crate::config;
use crate::env::{Env, Later};
use crate::outbox::Delivery;

pub use channel::{LetterBody, MailChannel};
pub use compose::Composer;
pub use letter::Letter;

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

/// The mailer for the configured mail server.
#[must_use]
pub fn mailer(mail: &config::MailConfig, env: &Env) -> Arc<dyn Mailer> {
    match &mail.smtp {
        Some(server) => Arc::new(smtp::SmtpMailer::new(server.clone(), env.clone())),
        None => Arc::new(NoTransport),
    }
}

/// The mailer used when no mail server is configured.
struct NoTransport;

impl Mailer for NoTransport {
    fn deliver<'a>(&'a self, _mail: &'a Mail) -> Later<'a, Delivery> {
        Box::pin(std::future::ready(Delivery::Unreachable(
            "no mail server is configured".to_owned(),
        )))
    }

    fn is_configured(&self) -> bool {
        false
    }
}
