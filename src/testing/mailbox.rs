//! The mailbox: all mail and text messages of a server in test mode, newest first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::shown;
use crate::env::{Env, Later};
use crate::error::Result;
use crate::mail::{Mail, Mailer};
use crate::model::Email;
use crate::outbox::{Channel, Deliver, Delivery, MessageState, OpenedMessage};
use crate::sms::TextBody;
use crate::store::{self, Store};

/// How many messages it keeps.
const CAPACITY: usize = 1000;
/// How long a reader waits for messages on their way.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(3);
/// Number of digits of a one-time code.
const DIGITS: usize = 6;

/// A mail or a text message as it would have arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TestMessage {
    id: String,
    /// `mail` or `sms`.
    channel: &'static str,
    /// The address or the number.
    pub(super) to: String,
    pub(super) at: String,
    pub(super) subject: String,
    pub(super) text: String,
    html: String,
    /// The links of the text, in order.
    pub(super) links: Vec<String>,
    /// The one-time codes of the text, in order.
    pub(super) codes: Vec<String>,
}

/// The messages, newest first.
pub(super) struct Mailbox {
    env: Env,
    messages: Mutex<VecDeque<TestMessage>>,
}

impl Mailbox {
    pub(super) fn new(env: Env) -> Self {
        Self { env, messages: Mutex::default() }
    }

    fn messages(&self) -> MutexGuard<'_, VecDeque<TestMessage>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages, those to one address or number if it is given.
    pub(super) fn list(&self, to: Option<&str>) -> Vec<TestMessage> {
        let wanted = to.map(key);
        let fits = |message: &&TestMessage| {
            wanted.as_ref().is_none_or(|wanted| key(&message.to) == *wanted)
        };
        self.messages().iter().filter(fits).cloned().collect()
    }

    /// Removes the messages, those to one address or number if it is given.
    pub(super) fn clear(&self, to: Option<&str>) {
        match to.map(key) {
            Some(gone) => self.messages().retain(|message| key(&message.to) != gone),
            None => self.messages().clear(),
        }
    }

    fn keep(&self, message: TestMessage) {
        let mut messages = self.messages();
        messages.truncate(CAPACITY - 1);
        messages.push_front(message);
    }
}

/// What an address is compared by.
fn key(to: &str) -> String {
    Email::parse(to).map_or_else(|| to.to_owned(), |email| email.key().to_owned())
}

/// Waits until no message and no job is on its way, for a few seconds at most.
pub(super) async fn settle(store: &Store) -> Result<()> {
    let rounds = PATIENCE.as_millis() / PAUSE.as_millis();
    for _ in 0..rounds {
        let counts = store.read(|db| store::tables::outbox::count(db)).await?;
        let is_open = |(state, count): &(MessageState, i64)| {
            matches!(state, MessageState::Requested | MessageState::Waiting) && *count > 0
        };
        if !counts.iter().any(is_open) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The links of a text.
fn links_of(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'));
    let is_link = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
    words.filter(is_link).map(|word| word.trim_end_matches(['.', ',']).to_owned()).collect()
}

/// The words of a text that are six digits.
fn codes_of(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ':']));
    let is_code = |word: &&str| word.len() == DIGITS && word.bytes().all(|b| b.is_ascii_digit());
    words.filter(is_code).map(str::to_owned).collect()
}

/// Puts mail into the mailbox.
pub(super) struct TestMailer(pub(super) Arc<Mailbox>);

impl Mailer for TestMailer {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        self.0.keep(TestMessage {
            id: mail.message_id.clone(),
            channel: Channel::Mail.as_str(),
            to: mail.to.clone(),
            at: shown(self.0.env.now()),
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            html: mail.html.clone(),
            links: links_of(&mail.text),
            codes: codes_of(&mail.text),
        });
        Box::pin(std::future::ready(Delivery::Delivered))
    }

    fn is_configured(&self) -> bool {
        true
    }
}

/// Puts text messages into the mailbox.
pub(super) struct TestGateway(pub(super) Arc<Mailbox>);

impl Deliver for TestGateway {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn deliver<'a>(&'a self, message: &'a OpenedMessage) -> Later<'a, Result<Delivery>> {
        Box::pin(async move {
            let (to, TextBody { text }) = (message.recipient()?.to_owned(), message.body()?);
            self.0.keep(TestMessage {
                id: self.0.env.new_id()?,
                channel: Channel::Sms.as_str(),
                to,
                at: shown(self.0.env.now()),
                subject: String::new(),
                html: String::new(),
                links: links_of(&text),
                codes: codes_of(&text),
                text,
            });
            Ok(Delivery::Delivered)
        })
    }

    fn is_configured(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_codes_are_found_in_the_text() {
        let text = "Open\n\nhttp://localhost:3000/v1/verify-email?token=123456\n\n or <https://a.example/b>.\n\
                    123456\n\nyears 2026, 12345 and 654321.";
        assert_eq!(
            links_of(text),
            ["http://localhost:3000/v1/verify-email?token=123456", "https://a.example/b"]
        );
        assert_eq!(codes_of(text), ["123456", "654321"]);
    }

    #[test]
    fn addresses_are_compared_without_case() {
        assert_eq!(key("Jo@Example.com"), key("jo@example.COM"));
        assert_ne!(key("jo@example.com"), key("joe@example.com"));
        assert_eq!(key("+491701234567"), "+491701234567");
    }
}
