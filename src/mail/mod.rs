//! Mail: the letters, their templates, and their delivery over SMTP. Letters wait in the outbox,
//! which this module delivers from as its channel.

mod channel;
mod compose;
pub mod examples;
pub mod letter;
mod mailer;
pub mod smtp;
pub mod template;
pub mod templates;
mod wrap;

use std::sync::Arc;

use crate::config;
use crate::env::{Env, Later};
use crate::outbox::Delivery;

pub use channel::{LetterBody, MailChannel};
pub use compose::Composer;
pub use letter::{AddedMethod, FactorChange, Letter, LoginPlace, PasskeyChange, RemainingPasskeys};
pub use mailer::{Mail, Mailer};

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
