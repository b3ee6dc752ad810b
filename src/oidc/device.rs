//! Logins by a device that has no browser: the person opens a page elsewhere and types a code (RFC 8628).

use std::time::Duration;

use serde::Deserialize;

use super::authorize::form;
use super::exchange::ProvedAccount;
use super::failure::{ExchangeFailure, ExchangeStep};
use super::fetch::Fetch;
use super::id_token::ExpectedNonce;
use super::{ProviderClient, client_key, printable};
use crate::model::provider::Provider;
use crate::model::{HttpUrl, Secret};

/// How long a provider is left alone between two questions, unless it says otherwise.
const INTERVAL: u64 = 5;
/// The longest time between two questions, and for the whole login.
const LONGEST_INTERVAL: u64 = 60;
const LONGEST_LIFE: u64 = 1800;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A login that has begun.
pub struct DeviceLogin {
    device_code: Secret,
    /// What the person types.
    pub user_code: String,
    /// The page on which they type it.
    pub page: String,
    /// The page with the code in it.
    pub page_with_code: Option<String>,
    pub expires_in: Duration,
    /// How long to wait before each question.
    pub interval: Duration,
}

/// How far a login is.
#[derive(Debug)]
pub enum DevicePoll {
    /// The person has not logged in yet.
    Pending,
    /// The same, and the provider is asked too often.
    SlowDown,
    Done(Box<ProvedAccount>),
}

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    /// Google has another name for it.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Option<u64>,
    interval: Option<u64>,
}

impl ProviderClient {
    /// Begins a login by a device.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn begin_device(&self, provider: &Provider) -> Result<DeviceLogin, ExchangeFailure> {
        let refused = |reason: &str| ExchangeFailure::refused(ExchangeStep::Device, reason);
        let metadata = self.metadata(provider).await?;
        let url = metadata.device_authorization_endpoint.as_deref();
        let url = url.ok_or_else(|| {
            refused("the discovery document has no device_authorization_endpoint")
        })?;
        let proof = client_key::prove(provider, &metadata, self.env.wall())?;
        let mut fields = form(&[("scope", &provider.scopes.join(" "))]);
        if !proof.fields.reveal().is_empty() {
            fields.push('&');
            fields.push_str(proof.fields.reveal());
        }
        let answer = self
            .fetch(Fetch {
                step: ExchangeStep::Device,
                url,
                authorization: proof.authorization,
                form: Some(Secret::new(fields)),
            })
            .await?;
        let answer: DeviceAnswer = serde_json::from_value(answer)
            .map_err(|_| refused("the answer is incomplete, or has values of wrong types"))?;
        let is_page = |url: &String| HttpUrl::parse(url).is_some();
        if !is_page(&answer.verification_uri) {
            return Err(refused("verification_uri is no URL"));
        }
        Ok(DeviceLogin {
            device_code: Secret::new(answer.device_code),
            user_code: printable(&answer.user_code),
            page: printable(&answer.verification_uri),
            page_with_code: answer
                .verification_uri_complete
                .filter(is_page)
                .map(|url| printable(&url)),
            expires_in: Duration::from_secs(answer.expires_in.unwrap_or(0).min(LONGEST_LIFE)),
            interval: Duration::from_secs(
                answer.interval.unwrap_or(INTERVAL).clamp(1, LONGEST_INTERVAL),
            ),
        })
    }

    /// Asks whether the person has logged in.
    ///
    /// # Errors
    /// The step that failed; not if the provider could not be reached once.
    pub async fn poll_device(
        &self,
        provider: &Provider,
        login: &DeviceLogin,
    ) -> Result<DevicePoll, ExchangeFailure> {
        let answered = self.in_time(Box::pin(async {
            let metadata = self.metadata(provider).await?;
            let fields = [("grant_type", GRANT), ("device_code", login.device_code.reveal())];
            let answer = self.ask_for_tokens(provider, &metadata, &fields).await?;
            // There was no request with a nonce.
            self.proved_by(provider, &metadata, answer, &ExpectedNonce::OfApp(None)).await
        }));
        match answered.await {
            Ok(proved) => Ok(DevicePoll::Done(Box::new(proved))),
            Err(failure) if failure.error.as_deref() == Some("authorization_pending") => {
                Ok(DevicePoll::Pending)
            }
            Err(failure)
                if failure.is_temporary() || failure.error.as_deref() == Some("slow_down") =>
            {
                Ok(DevicePoll::SlowDown)
            }
            Err(failure) => Err(failure),
        }
    }
}
