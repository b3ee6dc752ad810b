//! Text messages: a channel of the outbox that sends each message to an HTTP gateway in one request.
//! None is lost while the gateway is unavailable, because messages wait in the outbox.

mod template;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Gateway, Sms};
use crate::env::Later;
use crate::error::Result;
use crate::model::{HttpUrl, Secret, Time};
use crate::outbound::{HttpClient, HttpRequest, OutboundPolicy, RequestLimits, UrlSchemes};
use crate::outbox::{
    Channel, Deliver, Delivery, NewMessage, OpenedMessage, Outbox, OutgoingMessage,
};

/// The time limit of a request, from connect to response.
const PATIENCE: Duration = Duration::from_secs(15);
/// Only the status of a response is used; its body is read so that the gateway sees an orderly end.
const LIMITS: RequestLimits =
    RequestLimits { connect: PATIENCE, total: PATIENCE, max_body: 64 * 1024 };

/// The body of a text message's outbox row.
#[derive(Serialize, Deserialize)]
pub struct TextBody {
    /// Contains a code.
    pub text: String,
}

/// A text message to write.
#[derive(Debug, Clone, Copy)]
pub struct TextMessage<'a> {
    /// Contains a code.
    pub text: &'a Secret,
    /// The tag of its language.
    pub language: &'a str,
    /// The message is dropped after this time.
    pub until: Time,
}

/// Writes a text message to this number, to be stored with [`enqueue`](crate::outbox::enqueue).
pub fn compose(
    outbox: &Outbox,
    number: &str,
    account_id: &str,
    message: &TextMessage<'_>,
) -> Result<OutgoingMessage> {
    let new = NewMessage {
        id: outbox.new_id()?,
        channel: Channel::Sms,
        kind: Channel::Sms.as_str(),
        account_id: Some(account_id),
        recipient: number.to_owned(),
        language: Some(message.language),
        expires_at: Some(message.until),
    };
    outbox.message(new, &TextBody { text: message.text.reveal().to_owned() })
}

/// Sends messages to the configured gateway.
pub struct HttpGateway {
    gateway: Option<(Gateway, HttpClient)>,
}

/// The channel for text messages. Without a gateway, all messages wait.
#[must_use]
pub fn gateway(config: &Sms) -> Arc<dyn Deliver> {
    let gateway = config.gateway.clone().map(|gateway| {
        let client = HttpClient::new(policy(&gateway));
        (gateway, client)
    });
    Arc::new(HttpGateway { gateway })
}

/// The operator configured the URL, so it may use `http`.
fn policy(gateway: &Gateway) -> OutboundPolicy {
    OutboundPolicy::new(UrlSchemes::HttpAndHttps, gateway.allow.clone())
}

impl Deliver for HttpGateway {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn deliver<'a>(&'a self, message: &'a OpenedMessage) -> Later<'a, Result<Delivery>> {
        Box::pin(async move {
            let (number, TextBody { text }) = (message.recipient()?, message.body()?);
            Ok(match &self.gateway {
                Some((gateway, client)) => send(gateway, client, number, &text).await,
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

async fn send(gateway: &Gateway, client: &HttpClient, number: &str, text: &str) -> Delivery {
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
    let Some(url) = HttpUrl::parse(url.reveal()) else {
        return Delivery::Never("the gateway URL is invalid".to_owned());
    };
    let (headers, body) = (&gateway.headers, body.reveal().as_bytes());
    let request = HttpRequest { method: &gateway.method, url: &url, headers, body };
    match client.send(&request, LIMITS).await {
        Ok(response) => verdict(response.status),
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
    use crate::outbound::fixture::FakeNetwork;

    /// A network in which every name resolves to the address of the gateway.
    fn network() -> FakeNetwork {
        FakeNetwork::resolving(&["10.0.0.1"]).answering("HTTP/1.1 201 Created\r\n\r\n")
    }

    /// What becomes of a message to a gateway with these settings, and the addresses dialled.
    async fn delivery(network: FakeNetwork, set: &[(&str, &str)]) -> (Delivery, Vec<String>) {
        let keys = [
            ("sms.preset", "twilio"),
            ("sms.account", "AC1"),
            ("sms.secret", "s"),
            ("sms.from", "+1"),
        ];
        let flags = keys
            .iter()
            .chain(set)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let inputs = crate::config::Inputs { flags, ..Default::default() };
        let gateway = crate::config::load(&inputs).unwrap().config.sms.gateway.clone().unwrap();
        let network = Arc::new(network);
        let client = HttpClient::with_connector(policy(&gateway), network.clone());
        (send(&gateway, &client, "+49170", "123456").await, network.dialled())
    }

    #[tokio::test]
    async fn only_a_gateway_that_the_operator_named_may_have_a_private_address() {
        let (refused, dialled) = delivery(network(), &[("sms.url", "none")]).await;
        assert!(
            matches!(&refused, Delivery::Unreachable(why) if why.contains("outbound.allow")),
            "{refused:?}"
        );
        assert_eq!(dialled, [""; 0]);
        for set in [("sms.url", "http://sms.internal"), ("sms.url", "http://10.0.0.1")] {
            assert_eq!(
                delivery(network(), &[set]).await,
                (Delivery::Delivered, vec!["10.0.0.1:80".to_owned()])
            );
        }
        for allow in ["api.twilio.com", "10.0.0.0/8"] {
            let closed = network().closed_at(&["10.0.0.1"]);
            let (_, dialled) = delivery(closed, &[("outbound.allow", allow)]).await;
            assert_eq!(dialled, ["10.0.0.1:443"], "{allow}");
        }
    }

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
