//! Writes letters: renders a letter's template and seals the result for the outbox.

use std::sync::Arc;

use super::channel::LetterBody;
use super::letter::Letter;
use super::smtp::message::sender;
use super::templates::{Rendered, Templates};
use crate::config;
use crate::error::Result;
use crate::model::{Account, Email};
use crate::outbox::{Channel, NewMessage, Outbox, OutgoingMessage};
use crate::words::{Catalogue, Translation};

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
        catalogue: &Catalogue,
        outbox: Outbox,
    ) -> Result<Self> {
        let templates = Templates::load(&service.name, mail.templates.as_deref(), catalogue)?;
        let domain = sender(&mail.from)?.email.domain().into();
        Ok(Self { templates: Arc::new(templates), domain, outbox })
    }

    /// The name of the service, as it fits into letters and text messages.
    #[must_use]
    pub fn service(&self) -> &str {
        self.templates.service()
    }

    /// Writes a letter to the address of this account; `None` if it has none. Store it with
    /// [`enqueue_all`](crate::outbox::enqueue_all).
    pub fn compose_for(
        &self,
        account: &Account,
        language: Translation<'_>,
        letter: &Letter,
    ) -> Result<Option<OutgoingMessage>> {
        let Some(to) = &account.email else { return Ok(None) };
        self.write(to, Some(account.id.as_str()), language, letter).map(Some)
    }

    /// Writes a letter to this address in this language, to be stored with [`enqueue`](crate::outbox::enqueue).
    pub fn compose(
        &self,
        to: &Email,
        account_id: &str,
        language: Translation<'_>,
        letter: &Letter,
    ) -> Result<OutgoingMessage> {
        self.write(to, Some(account_id), language, letter)
    }

    /// Writes a letter that concerns no account.
    pub fn compose_for_nobody(
        &self,
        to: &Email,
        language: Translation<'_>,
        letter: &Letter,
    ) -> Result<OutgoingMessage> {
        self.write(to, None, language, letter)
    }

    /// A letter as its reader would see it.
    ///
    /// # Errors
    /// `Validation` if an embedded template is invalid, which does not happen.
    pub fn preview(&self, letter: &Letter, language: Translation<'_>) -> Result<Rendered> {
        self.templates.render(letter, language)
    }

    fn write(
        &self,
        to: &Email,
        account_id: Option<&str>,
        language: Translation<'_>,
        letter: &Letter,
    ) -> Result<OutgoingMessage> {
        let id = self.outbox.new_id()?;
        let rendered = self.templates.render(letter, language)?;
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
            language: Some(language.tag),
            expires_at: letter.expires_at(),
        };
        self.outbox.message(new, &body)
    }
}
