//! Mail: what letters there are, the outbox they wait in, and the worker that sends them.
//!
//! A letter is prepared (rendered and sealed) outside the write and stored in the same transaction as the change that it
//! speaks of. What must not tell whether an account exists is stored as a request, which the worker fulfils later.

pub mod letter;
pub mod outbox;
pub mod post;
pub mod smtp;
pub mod stationery;
pub mod template;
pub mod worker;

use std::sync::Arc;

use crate::config;
use crate::env::{Env, Later};

pub use letter::Letter;
pub use post::{Fulfil, Post, Prepared, Request, RequestedBy, enqueue};
pub use worker::Worker;

/// A finished message.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Stays the same over all tries, so that a mail server can tell a repeated one.
    pub message_id: String,
    /// The sender.
    pub from: String,
    /// The one recipient.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl std::fmt::Debug for Mail {
    /// Without the bodies, which carry links.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("message_id", &self.message_id)
            .field("to", &self.to)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// How one try at delivering ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The mail server has taken it.
    Delivered,
    /// It did not work now; the reason is kept for the outbox.
    Later(String),
    /// The mail server itself cannot be used now, whatever the message: all of them wait.
    Unreachable(String),
    /// It will never work: the mail server refuses this message for good.
    Never(String),
}

/// Hands finished messages to whoever delivers them.
pub trait Mailer: Send + Sync {
    /// One try at delivering one message.
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery>;

    /// False when no way out is configured: the outbox then holds everything.
    fn is_configured(&self) -> bool;

    /// There is nothing to deliver for now: lets go of open connections.
    fn rest(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The way out that the configuration names.
#[must_use]
pub fn mailer(mail: &config::Mail, env: &Env) -> Arc<dyn Mailer> {
    match &mail.smtp {
        Some(server) => Arc::new(smtp::SmtpMailer::new(server.clone(), env.clone())),
        None => Arc::new(Hold),
    }
}

/// No way out.
struct Hold;

impl Mailer for Hold {
    fn deliver<'a>(&'a self, _mail: &'a Mail) -> Later<'a, Delivery> {
        Box::pin(std::future::ready(Delivery::Unreachable("no mail server is configured".to_owned())))
    }

    fn is_configured(&self) -> bool {
        false
    }
}
