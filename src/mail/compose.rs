//! Writes letters: renders a letter's template and seals the result for the outbox.

use std::sync::Arc;

use super::channel::LetterBody;
use super::letter::Letter;
use super::smtp::message::sender;
use super::templates::Templates;
use crate::config;
use crate::error::Result;
use crate::model::Email;
use crate::outbox::{Channel, NewMessage, Outbox, OutgoingMessage};

/// Writes letters from the configured templates. Cheap to clone.
#[derive(Clone)]
pub struct Composer {
    templates: Arc<Templates>,
    /// The sender's domain, for message ids.
    domain: Arc<str>,
    outbox: Outbox,
}

impl Composer {
    /// Loads the templates.
    ///
    /// # Errors
    /// `Validation` if a template in the configured folder or the sender address is invalid.
    pub fn new(
        service: &config::ServiceConfig,
        mail: &config::MailConfig,
        outbox: Outbox,
    ) -> Result<Self> {
        let templates = Templates::load(&service.name, mail.templates.as_deref())?;
        let domain = sender(&mail.from)?.email.domain().into();
        Ok(Self { templates: Arc::new(templates), domain, outbox })
    }

    /// Writes a letter to this address, to be stored with [`enqueue`](crate::outbox::enqueue).
    pub fn compose(
        &self,
        to: &Email,
        account_id: &str,
        letter: &Letter,
    ) -> Result<OutgoingMessage> {
        self.write(to, Some(account_id), letter)
    }

    /// Writes a letter that concerns no account.
    pub fn compose_for_operator(&self, to: &Email, letter: &Letter) -> Result<OutgoingMessage> {
        self.write(to, None, letter)
    }

    fn write(
        &self,
        to: &Email,
        account_id: Option<&str>,
        letter: &Letter,
    ) -> Result<OutgoingMessage> {
        let id = self.outbox.new_id()?;
        let rendered = self.templates.render(letter)?;
        // The body has no sender: the sender configured at delivery is used.
        let body = LetterBody {
            message_id: format!("<{id}@{}>", self.domain),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
        };
        let new = NewMessage {
            id,
            channel: Channel::Mail,
            kind: letter.kind().name,
            account_id,
            recipient: to.mailbox(),
            expires_at: letter.expires_at(),
        };
        self.outbox.message(new, &body)
    }
}
