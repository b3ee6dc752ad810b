//! Mail as a channel of the outbox: the body of a letter's row, and its delivery by a mailer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::env::Later;
use crate::error::Result;
use crate::mail::mailer::{Mail, Mailer};
use crate::outbox::{Channel, Deliver, Delivery, OpenedMessage};

/// The body of a letter's outbox row.
#[derive(Serialize, Deserialize)]
pub struct LetterBody {
    pub message_id: String,
    pub subject: String,
    /// Contains links with tokens, as does the HTML.
    pub text: String,
    pub html: String,
}

/// Delivers letters from one sender.
pub struct MailChannel {
    mailer: Arc<dyn Mailer>,
    from: String,
}

impl MailChannel {
    /// Creates the channel with the configured sender.
    #[must_use]
    pub fn new(mailer: Arc<dyn Mailer>, from: &str) -> Self {
        Self { mailer, from: from.to_owned() }
    }

    fn mail(&self, message: &OpenedMessage) -> Result<Mail> {
        let LetterBody { message_id, subject, text, html } = message.body()?;
        let to = message.recipient()?.to_owned();
        Ok(Mail { message_id, from: self.from.clone(), to, subject, text, html })
    }
}

impl Deliver for MailChannel {
    fn channel(&self) -> Channel {
        Channel::Mail
    }

    fn deliver<'a>(&'a self, message: &'a OpenedMessage) -> Later<'a, Result<Delivery>> {
        Box::pin(async move {
            let mail = self.mail(message)?;
            Ok(self.mailer.deliver(&mail).await)
        })
    }

    fn is_configured(&self) -> bool {
        self.mailer.is_configured()
    }

    fn rest(&self) -> Later<'_, ()> {
        self.mailer.rest()
    }
}
