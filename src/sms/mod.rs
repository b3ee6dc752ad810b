//! Text messages: a channel of the outbox that sends each message to an HTTP gateway in one request.
//! None is lost while the gateway is unavailable, because messages wait in the outbox.

mod exchange;
mod template;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{Gateway, Sms};
use crate::env::Later;
use crate::error::Result;
use crate::model::{Secret, Time};
use crate::outbox::{
    Channel, Deliver, Delivery, NewMessage, OpenedMessage, Outbox, OutgoingMessage,
};

use exchange::{Exchange, Target};

/// The body of a text message's outbox row.
#[derive(Serialize, Deserialize)]
pub struct TextBody {
    /// Contains a code.
    pub text: String,
}

/// Writes a text message to this number, to be stored with [`enqueue`](crate::outbox::enqueue).
pub fn compose(
    outbox: &Outbox,
    number: &str,
    account_id: &str,
    text: &Secret,
    until: Time,
) -> Result<OutgoingMessage> {
    let new = NewMessage {
        id: outbox.new_id()?,
        channel: Channel::Sms,
        kind: Channel::Sms.as_str(),
        account_id,
        recipient: number.to_owned(),
        expires_at: Some(until),
    };
    outbox.message(new, &TextBody { text: text.reveal().to_owned() })
}

/// Sends messages to the configured gateway.
pub struct HttpGateway {
    gateway: Option<(Gateway, Exchange)>,
}

/// The channel for text messages. Without a gateway, all messages wait.
#[must_use]
pub fn gateway(config: &Sms) -> Arc<dyn Deliver> {
    Arc::new(HttpGateway {
        gateway: config.gateway.clone().map(|gateway| (gateway, Exchange::new())),
    })
}

impl Deliver for HttpGateway {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn deliver<'a>(&'a self, message: &'a OpenedMessage) -> Later<'a, Result<Delivery>> {
        Box::pin(async move {
            let (number, TextBody { text }) = (message.recipient()?, message.body()?);
            Ok(match &self.gateway {
                Some((gateway, exchange)) => send(gateway, exchange, number, &text).await,
                None => {
                    Delivery::Unreachable("no gateway for text messages is configured".to_owned())
                }
            })
        })
    }

    fn is_configured(&self) -> bool {
        self.gateway.is_some()
    }
}

async fn send(gateway: &Gateway, exchange: &Exchange, number: &str, text: &str) -> Delivery {
    let values = [("{to}", number), ("{text}", text), ("{from}", gateway.from.as_str())];
    let kind = gateway
        .headers
        .iter()
        .find(|(name, _)| name == "content-type")
        .map_or("", |(_, kind)| kind.reveal());
    let url =
        Secret::new(template::fill(gateway.url.reveal(), &values, template::SmsEscaping::Percent));
    let body = Secret::new(template::fill(
        gateway.body.reveal(),
        &values,
        template::SmsEscaping::of(kind),
    ));
    let Some(target) = Target::parse(url.reveal()) else {
        return Delivery::Never("the gateway URL is invalid".to_owned());
    };
    match exchange.send(&gateway.method, &target, &gateway.headers, &body).await {
        Ok(status) => verdict(status),
        Err(error) => Delivery::Unreachable(format!("the gateway cannot be reached: {error}")),
    }
}

/// What a status means: the gateway accepted the message, rejected it permanently, or must be
/// fixed.
fn verdict(status: u16) -> Delivery {
    let why = format!("the gateway answered {status}");
    match status {
        200..=299 => Delivery::Delivered,
        401 | 403 | 404 | 407 | 408 | 425 | 429 => Delivery::Unreachable(why),
        400..=499 => Delivery::Never(why),
        _ => Delivery::Later(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_message_that_an_earlier_version_sealed_as_mail_can_be_read() {
        let sealed = r#"{"message_id":"1","subject":"","text":"123456 is your code.","html":""}"#;
        let body: TextBody = serde_json::from_str(sealed).unwrap();
        assert_eq!(body.text, "123456 is your code.");
    }

    #[test]
    fn an_answer_says_whether_to_come_again() {
        assert_eq!(verdict(201), Delivery::Delivered);
        assert!(matches!(verdict(400), Delivery::Never(_)));
        assert!(matches!(verdict(401), Delivery::Unreachable(_)));
        assert!(matches!(verdict(302), Delivery::Later(_)));
        assert!(matches!(verdict(503), Delivery::Later(_)));
    }
}
