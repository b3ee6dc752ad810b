//! The rate limit of an operation, declared once in its signature. The operation counts the call
//! with it and hands the proof to the core, and the OpenAPI pass publishes the 429 that it causes.

use std::marker::PhantomData;

use poem_openapi::registry::Registry;

use crate::error::Result;
use crate::error::limit::NamedLimit;
use crate::http::extract::api_client::FromApp;
use crate::http::limits::Meter;
use crate::http::server::carried;
use crate::identity::access::counted::{Checked, Counted};
use crate::identity::access::rate_key::RateKey;

/// The limit `L`, which the call is not yet counted against.
///
/// It is not counted during extraction: a call whose token or body is refused does not count, a
/// locked name is refused before the limit, and some limits count by what the body names.
pub struct Limited<L> {
    meter: Meter,
    limit: PhantomData<L>,
}

impl<L: NamedLimit> Limited<L> {
    /// The limit for the request of this meter.
    pub(in crate::http) fn new(meter: &Meter) -> Self {
        Self { meter: meter.clone(), limit: PhantomData }
    }

    /// Counts the call by client IP.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn count(&self) -> Result<Counted<L>> {
        Counted::by(self.meter.counter()).await
    }

    /// Counts the call as [`FromApp`] says: by client IP, by API client and what the call names, or
    /// by both.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up, `Unavailable`.
    pub async fn count_for(&self, app: &FromApp, key: RateKey<'_>) -> Result<Counted<L>> {
        Counted::by(app.counter(&self.meter, key).await?).await
    }

    /// Counts the call by client IP until the core has checked its password: only a wrong one stays
    /// counted.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn count_wrong_password(&self) -> Result<Counted<L>> {
        Counted::until_settled(self.meter.counter()).await
    }

    /// Checks the limit by client IP. The core counts only failures. For calls that cost nothing
    /// until they are found to be good: others of the client may be checked at the same time.
    ///
    /// # Errors
    /// `TooMany` if the limit is used up.
    pub async fn check(&self) -> Result<Checked<L>> {
        Checked::by(self.meter.counter()).await
    }
}

extractor!(Limited<L> as SecurityScheme [L: NamedLimit] {
    fn register(_registry: &mut Registry) {}

    /// The generator knows no limits. The OpenAPI pass takes this out of the security list again.
    fn security_schemes() -> Vec<&'static str> {
        vec![L::LIMIT.as_str()]
    }
} |request, _body| carried::meter(request).map(Self::new));
