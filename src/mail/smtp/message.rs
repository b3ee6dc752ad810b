//! Formats a message for sending (RFC 5322 and MIME): headers, and alternative plain text and HTML.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::address::Address;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::error::{Error, Kind, Result};
use crate::mail::mailer::Mail;
use crate::model::{Email, Time};

/// Marks the message as automatic, so that vacation responders do not reply (RFC 3834, section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// A formatted message with its two envelope addresses.
pub(super) struct Envelope {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
}

/// Formats a message.
///
/// # Errors
/// `Validation` if an address is invalid.
pub(super) fn format(mail: &Mail, date: Time) -> Result<Envelope> {
    let from = sender(&mail.from)?;
    let to: Address = mail.to.parse().map_err(|_| not_an_address("The recipient", &mail.to))?;
    let date =
        SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(date.millis()).unwrap_or(0));
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(&mail.subject)
        .date(date)
        .message_id(Some(mail.message_id.clone()))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|cause| Error::internal("formatting a message").caused_by(cause))?;
    Ok(Envelope { from: from.email, to, bytes: message.formatted() })
}

/// Parses the configured sender: `Name <address>` or a bare address.
///
/// # Errors
/// `Validation` if it is neither.
pub fn sender(text: &str) -> Result<Mailbox> {
    let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text),
    };
    let name = (!name.is_empty()).then(|| name.to_owned());
    let email = Email::parse(address).filter(|_| !text.contains(char::is_control));
    let address = email.and_then(|email| email.mailbox().parse().ok());
    address
        .map(|address| Mailbox::new(name, address))
        .ok_or_else(|| not_an_address("The sender (mail.from)", text))
}

fn not_an_address(who: &str, text: &str) -> Error {
    Error::with(
        Kind::Validation,
        format!("{who} must be `name@host` or `Name <name@host>`, not {text:?}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            message_id: "<1@example.com>".to_owned(),
            from: "Bücher <no-reply@example.com>".to_owned(),
            to: "joe@example.org".to_owned(),
            subject: "Grüße".to_owned(),
            text: ".\r\nhttps://a.example/?token=ä\n".to_owned(),
            html: "<p>ä</p>".to_owned(),
        }
    }

    fn formatted(mail: &Mail) -> String {
        String::from_utf8(format(mail, Time::from_millis(1_701_421_200_000)).unwrap().bytes)
            .unwrap()
    }

    #[test]
    fn a_message_carries_our_date_its_lasting_id_and_both_forms() {
        let text = formatted(&mail());
        assert!(text.is_ascii());
        for line in [
            "Date: Fri, 01 Dec 2023 09:00:00 +0000\r\n",
            "Message-ID: <1@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "To: joe@example.org\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn no_value_can_add_a_header_or_a_recipient() {
        let subject = "Hello\r\nBcc: x@y.example\r\n\r\nbody";
        let text = formatted(&Mail { subject: subject.to_owned(), ..mail() });
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        for to in ["a@b.co, c@d.co", "a@b.co\r\nBcc: c@d.co", "<a@b.co>", "", "A <a@b.co>"] {
            assert!(
                format(&Mail { to: to.to_owned(), ..mail() }, Time::default()).is_err(),
                "{to}"
            );
        }
        for from in ["", "Name", "a@b.co, c@d.co", "Na\r\nme <a@b.co>", "ä@b.co"] {
            assert!(sender(from).is_err(), "{from}");
        }
        for from in ["a@b.co", "<a@b.co>", "My App, Inc. <a@b.co>", "\"My App\" <a@b.co>"] {
            assert_eq!(sender(from).unwrap().email.to_string(), "a@b.co", "{from}");
        }
    }
}
