//! Sends messages to one mail server. Keeps connections open while there are more messages, and
//! decides whether a failure concerns one message or the server.

pub mod conversation;
mod listening;
pub mod message;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use self::conversation::{Conversation, RESOLVE, Trouble};
use crate::config::Smtp;
use crate::env::{Env, Later};
use crate::error::Result;
use crate::mail::mailer::{Mail, Mailer};
use crate::model::Email;
use crate::outbox::Delivery;

pub use self::conversation::{SmtpOutcome, SmtpStep};

/// The time limit of each step.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Sends messages to a mail server.
pub struct SmtpMailer {
    server: Smtp,
    env: Env,
    patience: Duration,
    open: Mutex<Vec<Conversation>>,
}

impl SmtpMailer {
    /// Creates a mailer for this server.
    #[must_use]
    pub fn new(server: Smtp, env: Env) -> Self {
        Self { server, env, patience: PATIENCE, open: Mutex::new(Vec::new()) }
    }

    /// Sets the time limit of each step.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn attempt(&self, mail: &Mail) -> Delivery {
        let letter = match message::format(mail, self.env.wall()) {
            Ok(letter) => letter,
            Err(error) => return Delivery::Never(error.message().to_owned()),
        };
        let mut kept = self.take();
        loop {
            let was_kept = kept.is_some();
            let mut conversation = match kept.take() {
                Some(conversation) => conversation,
                None => match Conversation::open(&self.server, self.patience, &mut ignore).await {
                    Ok(conversation) => conversation,
                    Err(trouble) => return Delivery::Unreachable(trouble.to_string()),
                },
            };
            match conversation.hand_over(&letter, &mut ignore).await {
                Ok(()) => {
                    self.keep(conversation);
                    return Delivery::Delivered;
                }
                // The server closed the kept connection, so its first step fails: use a new one.
                Err(trouble)
                    if was_kept && trouble.step == "MAIL FROM" && is_connection(&trouble) => {}
                Err(trouble) => {
                    if trouble.code.is_some() {
                        conversation.close(&mut ignore).await;
                    }
                    return judge(&trouble);
                }
            }
        }
    }

    fn take(&self) -> Option<Conversation> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, conversation: Conversation) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(conversation);
    }
}

impl Mailer for SmtpMailer {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        Box::pin(self.attempt(mail))
    }

    fn is_configured(&self) -> bool {
        true
    }

    fn rest(&self) -> Later<'_, ()> {
        Box::pin(async {
            while let Some(conversation) = self.take() {
                conversation.close(&mut ignore).await;
            }
        })
    }
}

/// How a test of a mail server ended.
#[derive(Debug)]
pub enum ProbeOutcome {
    /// The server accepted every step.
    Passed,
    /// The conversation ended at a step.
    StepFailed {
        /// Which step, and why, in a sentence.
        message: String,
        /// What to look at.
        remedy: Option<&'static str>,
    },
}

impl ProbeOutcome {
    fn of(server: &Smtp, done: Result<(), Trouble>) -> Self {
        match done {
            Ok(()) => Self::Passed,
            Err(trouble) => Self::StepFailed {
                message: sentence(server, &trouble),
                remedy: remedy(trouble.step),
            },
        }
    }
}

/// Sends a test message and reports each step.
///
/// # Errors
/// `Validation` if the sender is not an address. Then no connection is opened.
pub async fn probe(
    server: &Smtp,
    from: &str,
    to: &Email,
    env: &Env,
    mut report: impl FnMut(SmtpStep) + Send,
) -> Result<ProbeOutcome> {
    let mail = Mail {
        message_id: format!("<{}@{}>", env.new_id()?, message::sender(from)?.email.domain()),
        from: from.to_owned(),
        to: to.mailbox(),
        subject: "Test message".to_owned(),
        text: "This message was sent to test the mail configuration. It works.\n".to_owned(),
        html: "<p>This message was sent to test the mail configuration. It works.</p>\n".to_owned(),
    };
    let letter = message::format(&mail, env.wall())?;
    let mut talk = async || {
        conversation::resolve(server, PATIENCE, &mut report).await?;
        let mut conversation = Conversation::open(server, PATIENCE, &mut report).await?;
        let done = conversation.hand_over(&letter, &mut report).await;
        conversation.close(&mut report).await;
        done
    };
    Ok(ProbeOutcome::of(server, talk().await))
}

/// Connects to a mail server as for a message, without sending one, and reports each step.
pub async fn greet(server: &Smtp, mut report: impl FnMut(SmtpStep) + Send) -> ProbeOutcome {
    let mut talk = async || {
        conversation::resolve(server, PATIENCE, &mut report).await?;
        let conversation = Conversation::open(server, PATIENCE, &mut report).await?;
        conversation.close(&mut report).await;
        Ok::<_, Trouble>(())
    };
    ProbeOutcome::of(server, talk().await)
}

fn sentence(server: &Smtp, trouble: &Trouble) -> String {
    let host = &server.host;
    match trouble.step {
        RESOLVE => format!("The name {host} does not resolve: {}", trouble.answer),
        "connect" => format!(
            "The mail server {host}, port {}, cannot be reached: {}",
            server.port, trouble.answer
        ),
        _ => format!("The mail server refused at {trouble}"),
    }
}

/// What to look at if this step failed.
fn remedy(step: &str) -> Option<&'static str> {
    Some(match step {
        "resolve" => "check the host in mail.smtp_url, and the name servers of this machine",
        "connect" => {
            "check host and port of mail.smtp_url: smtps:// is for TLS from the first byte, mostly \
             on port 465, and smtp:// for STARTTLS, mostly on port 587"
        }
        "STARTTLS" => "the server offers no TLS on this port: use smtps:// or another port",
        "AUTH" => "check user and password of mail.smtp_url",
        "MAIL FROM" => "check mail.from: the server does not accept mail from this sender",
        "RCPT TO" => "the server does not accept mail for this recipient; does it need a login?",
        _ => return None,
    })
}

fn ignore(_: SmtpStep) {}

/// What a failed step means for the message.
fn judge(trouble: &Trouble) -> Delivery {
    let words = trouble.to_string();
    match trouble.code {
        _ if is_connection(trouble) => Delivery::Unreachable(words),
        // The operator must fix a rejected sender or a missing login, so the message waits.
        _ if trouble.step == "MAIL FROM" => Delivery::Later(words),
        Some(530 | 538) => Delivery::Later(words),
        Some(500..) => Delivery::Never(words),
        _ => Delivery::Later(words),
    }
}

/// Whether the connection is unusable: no valid reply, or 421 (the server closes it).
fn is_connection(trouble: &Trouble) -> bool {
    trouble.code.is_none_or(|code| code == 421)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_the_messages_own_only_when_the_server_says_so() {
        let judged = |step, code| judge(&Trouble { step, code, answer: "words".to_owned() });
        assert_eq!(judged("RCPT TO", Some(550)), Delivery::Never("RCPT TO: words".to_owned()));
        assert_eq!(judged("message", Some(554)), Delivery::Never("message: words".to_owned()));
        for (step, code) in
            [("RCPT TO", 451), ("MAIL FROM", 550), ("RCPT TO", 530), ("message", 452)]
        {
            assert!(matches!(judged(step, Some(code)), Delivery::Later(_)), "{step} {code}");
        }
        for (step, code) in [("RCPT TO", None), ("MAIL FROM", Some(421)), ("message", None)] {
            assert!(matches!(judged(step, code), Delivery::Unreachable(_)), "{step} {code:?}");
        }
    }
}
