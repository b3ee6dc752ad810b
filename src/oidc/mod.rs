//! The client side of OpenID Connect and OAuth 2: where to send a browser, and which account at the
//! provider its answer proves. It knows no accounts of this server.
//!
//! All that a provider sends is checked here: its discovery document against the configured issuer,
//! its ID tokens by issuer, audience, times, nonce and signature. A fetch goes through
//! [`crate::outbound`], with limits of time and size; redirects are not followed.

mod account;
mod authorize;
mod claims;
mod client_key;
mod device;
mod exchange;
mod failure;
mod fetch;
mod id_token;
mod keys;
mod metadata;
mod refresh;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::config::Outbound;
use crate::env::Env;
use crate::model::Time;
use crate::outbound::{HttpClient, OutboundPolicy, UrlSchemes};

pub use account::ProviderAccount;
pub use authorize::{AuthorizationRequest, challenge_of};
pub use client_key::is_signing_key;
pub use device::{DeviceLogin, DevicePoll};
pub use exchange::{CodeExchange, ProvedAccount};
pub use failure::{ExchangeFailure, ExchangeStep, FailureCause, printable};
pub use id_token::{ExpectedNonce, IdTokenMark, IdTokenUse};
pub use metadata::{ProviderMetadata, is_issuer_of};

use keys::ProviderKeySet;
use slots::ProviderSlots;

/// How long an exchange may take, with all its requests.
const PATIENCE: Duration = Duration::from_secs(20);

/// An exchange with a provider, of several requests.
type Exchange<'a, T> = Pin<Box<dyn Future<Output = Result<T, ExchangeFailure>> + Send + 'a>>;

/// Asks providers, and remembers their discovery documents and keys.
pub struct ProviderClient {
    env: Env,
    outbound: Outbound,
    /// Made when a provider is first asked: most servers have none.
    http: OnceLock<HttpClient>,
    slots: ProviderSlots,
    patience: Duration,
    known: Mutex<HashMap<String, KnownProvider>>,
}

/// What is remembered of a provider.
#[derive(Clone)]
struct KnownProvider {
    metadata: Arc<ProviderMetadata>,
    read_at: Time,
    keys: Option<(Arc<ProviderKeySet>, Time)>,
}

impl ProviderClient {
    /// Creates a client that may ask public servers, and the hosts that `[outbound]` lists.
    #[must_use]
    pub fn new(outbound: &Outbound, env: &Env) -> Self {
        Self {
            env: env.clone(),
            outbound: outbound.clone(),
            http: OnceLock::new(),
            slots: ProviderSlots::default(),
            patience: PATIENCE,
            known: Mutex::default(),
        }
    }

    /// The operator's URLs may lead to this machine without TLS; `fetch` refuses all others.
    fn http(&self) -> &HttpClient {
        self.http.get_or_init(|| {
            let schemes = UrlSchemes::HttpAndHttps;
            HttpClient::new(OutboundPolicy::new(schemes, self.outbound.allow.clone()))
        })
    }

    /// Runs an exchange until it ends or the time for all its requests is up.
    ///
    /// It is on the heap, so that the requests that wait for it stay small.
    async fn in_time<T>(&self, exchange: Exchange<'_, T>) -> Result<T, ExchangeFailure> {
        tokio::time::timeout(self.patience, exchange).await.unwrap_or_else(|_| {
            let reason = format!("it took more than {} s", self.patience.as_secs_f32());
            Err(ExchangeFailure::unreachable(ExchangeStep::Exchange, reason))
        })
    }
}
