//! Text messages: sent to an HTTP gateway, one request each. They are queued in the outbox like
//! mail, so none is lost while the gateway is unavailable.

mod exchange;
mod template;

use std::sync::Arc;

use crate::config::{Gateway, Sms};
use crate::env::Later;
use crate::mail::{Delivery, Mail, Mailer};
use crate::model::Secret;

use exchange::{Exchange, Target};

/// Sends messages to the configured gateway.
pub struct HttpGateway {
    gateway: Option<(Gateway, Exchange)>,
}

/// The mailer for text messages. Without a gateway, all messages wait.
#[must_use]
pub fn gateway(config: &Sms) -> Arc<dyn Mailer> {
    Arc::new(HttpGateway {
        gateway: config.gateway.clone().map(|gateway| (gateway, Exchange::new())),
    })
}

impl Mailer for HttpGateway {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        Box::pin(async move {
            match &self.gateway {
                Some((gateway, exchange)) => send(gateway, exchange, mail).await,
                None => {
                    Delivery::Unreachable("no gateway for text messages is configured".to_owned())
                }
            }
        })
    }

    fn is_configured(&self) -> bool {
        self.gateway.is_some()
    }
}

async fn send(gateway: &Gateway, exchange: &Exchange, message: &Mail) -> Delivery {
    let values = [
        ("{to}", message.to.as_str()),
        ("{text}", message.text.as_str()),
        ("{from}", gateway.from.as_str()),
    ];
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
    fn an_answer_says_whether_to_come_again() {
        assert_eq!(verdict(201), Delivery::Delivered);
        assert!(matches!(verdict(400), Delivery::Never(_)));
        assert!(matches!(verdict(401), Delivery::Unreachable(_)));
        assert!(matches!(verdict(302), Delivery::Later(_)));
        assert!(matches!(verdict(503), Delivery::Later(_)));
    }
}
