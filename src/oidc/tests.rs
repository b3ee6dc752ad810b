//! An exchange whose provider never answers.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::resolve_provider;
use crate::model::ProviderSettings;
use crate::model::provider::ProviderKeys;
use crate::outbound::fixture::FakeNetwork;

/// Short enough to wait for: no answer ever comes.
const SHORT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn an_exchange_ends_although_each_of_its_requests_has_time_left() {
    let env = Env::real();
    let mut client = ProviderClient::new(&Outbound { allow: Vec::new() }, &env);
    client.patience = SHORT;
    let network = FakeNetwork::resolving(&["192.31.7.1"]).silent_at(&["192.31.7.1"]);
    let policy = OutboundPolicy::new(UrlSchemes::HttpAndHttps, Vec::new());
    let http = HttpClient::with_connector(policy, Arc::new(network));
    assert!(client.http.set(http).is_ok());
    let settings = ProviderSettings { client_id: Some("c".into()), ..ProviderSettings::default() };
    let provider = resolve_provider("google", &settings, &ProviderKeys::default()).unwrap();
    let exchange = CodeExchange { code: "c", redirect_uri: "r", nonce: "n", verifier: "v" };
    let failure = client.exchange(&provider, exchange).await.unwrap_err();
    assert_eq!((failure.step, failure.is_temporary()), (ExchangeStep::Exchange, true), "{failure}");
    assert!(client.slots.take("accounts.google.com").is_some());
}
