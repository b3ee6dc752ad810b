//! The client side of OpenID Connect and OAuth 2: where to send a browser, and which account at the
//! provider its answer proves. It knows no accounts of this server.
//!
//! Whatever a provider sends is checked here: its discovery document against the configured issuer,
//! its ID tokens by issuer, audience, times, nonce and signature. A fetch goes through
//! [`crate::outbound`], with limits of time and size; redirects are not followed.

mod account;
mod authorize;
mod claims;
mod client_key;
mod exchange;
mod failure;
mod fetch;
mod id_token;
mod keys;
mod metadata;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::Semaphore;

use crate::config::Outbound;
use crate::env::Env;
use crate::model::Time;
use crate::outbound::{HttpClient, OutboundPolicy, UrlSchemes};

pub use account::ProviderAccount;
pub use authorize::{AuthorizationRequest, challenge_of};
pub use client_key::is_signing_key;
pub use exchange::{CodeExchange, ProvedAccount};
pub use failure::{ExchangeFailure, ExchangeStep, printable};
pub use id_token::{ExpectedNonce, IdTokenMark, IdTokenUse};
pub use metadata::ProviderMetadata;

use keys::ProviderKeySet;

/// How many requests to providers may run at the same time.
const AT_ONCE: usize = 16;

/// Asks providers, and remembers their discovery documents and keys.
pub struct ProviderClient {
    env: Env,
    outbound: Outbound,
    /// Made when a provider is first asked: most servers have none.
    http: OnceLock<HttpClient>,
    slots: Semaphore,
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
            slots: Semaphore::new(AT_ONCE),
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
}
