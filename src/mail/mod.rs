//! Mail: the letters, the outbox that queues them, and the worker that sends them.
//!
//! A letter is rendered and sealed outside the write and stored in the same transaction as the
//! change it reports. Mail that must not reveal whether an account exists is stored as a request,
//! which the worker handles later.

pub mod letter;
pub mod outbox;
pub mod post;
pub mod smtp;
pub mod template;
pub mod templates;
pub mod worker;

use std::sync::Arc;

use crate::config;
use crate::env::{Env, Later};

pub use letter::Letter;
pub use post::{JobHandler, Outbox, OutgoingMessage, Request, RequestedBy, enqueue};
pub use worker::Worker;

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

/// The result of one delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The mail server accepted the message.
    Delivered,
    /// A temporary failure of this message; the outbox stores the reason.
    Later(String),
    /// The mail server cannot be used at the moment: every message waits.
    Unreachable(String),
    /// The mail server rejects this message permanently.
    Never(String),
}

/// Delivers finished messages: over SMTP, or through a text message gateway.
pub trait Mailer: Send + Sync {
    /// Attempts once to deliver one message.
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery>;

    /// False if no mail server or gateway is configured: messages then stay in the outbox.
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
