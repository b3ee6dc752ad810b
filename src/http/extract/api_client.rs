//! Identifies the API client of a call by `X-App-ID` and `X-Service-Key`, if the policy requires
//! them.

use std::sync::Arc;

use poem::Request;
use poem::http::HeaderMap;
use poem_openapi::registry::Registry;
use serde_json::{Value, json};

use crate::config::Config;
use crate::error::{Kind, Result};
use crate::http::docs::openapi::{self, Described, FROM_APP};
use crate::http::limits::Meter;
use crate::http::server::carried;
use crate::identity::Core;
use crate::identity::access::api_client;
use crate::identity::access::rate_key::RateKey;
use crate::model::{ApiClient, ClientIp};

const ID: &str = "x-app-id";
/// The header with the key of an API client or a service.
pub(in crate::http) const KEY: &str = "x-service-key";

/// The API client of a call. The call is refused without one if the policy requires it.
pub struct FromApp {
    app: Option<ApiClient>,
    core: Arc<Core>,
}

impl FromApp {
    /// Identifies the API client from the headers.
    ///
    /// # Errors
    /// `AppInvalid` if the policy requires an API client and the headers do not identify one.
    pub async fn of(core: &Arc<Core>, headers: &HeaderMap) -> Result<Self> {
        let app =
            if core.config.apps.required { Some(recognise(core, headers).await?) } else { None };
        Ok(Self { app, core: core.clone() })
    }

    /// The meter that counts the call: per API client and account, because the caller may be a
    /// server that acts for all its users. Without a required API client, per client IP.
    ///
    /// # Errors
    /// `Unavailable` if the database is not available.
    pub(super) async fn meter(&self, meter: &Meter, key: RateKey<'_>) -> Result<Meter> {
        let Some(app) = &self.app else { return Ok(meter.clone()) };
        let key = format!("{}|{}", app.id, key.key(&self.core).await?);
        let mac = self.core.master.mac("app caller", key.as_bytes());
        Ok(meter.counting_for(ClientIp::stand_in(&mac)))
    }
}

extractor!(FromApp as SecurityScheme {
    fn register(_registry: &mut Registry) {}

    /// [`describe`] replaces this with the schemes of the two headers, where they are required.
    fn security_schemes() -> Vec<&'static str> {
        vec![FROM_APP]
    }
} |request, _body| from_request(request).await);

async fn from_request(request: &Request) -> Result<FromApp> {
    FromApp::of(carried::core(request)?, request.headers()).await
}

async fn recognise(core: &Core, headers: &HeaderMap) -> Result<ApiClient> {
    let (Some(id), Some(key)) = (only(headers, ID), only(headers, KEY)) else {
        return Err(Kind::AppInvalid.into());
    };
    api_client::check(core, id, key).await
}

/// The value of a header that occurs exactly once and is text.
pub(in crate::http) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Documents the headers and their error in the operations whose signatures take them, if the
/// policy requires them. Call this before the document is completed.
pub fn describe(document: &mut Value, config: &Config, operations: &mut [Described]) {
    let mut taking = Vec::new();
    for operation in openapi::take_from_app(document).filter(|_| config.apps.required) {
        taking.extend(operation["operationId"].as_str().map(str::to_owned));
        let mut both = json!({ "appId": [], "serviceKey": [] });
        if !operation["security"].is_null() {
            both["bearerAuth"] = json!([]);
        }
        operation["security"] = json!([both]);
    }
    if !config.apps.required {
        return;
    }
    for (scheme, name) in [("appId", "X-App-ID"), ("serviceKey", "X-Service-Key")] {
        document["components"]["securitySchemes"][scheme] = json!({
            "type": "apiKey",
            "in": "header",
            "name": name,
            "description": "Identifies the calling app. Register apps with `authd app create`.",
        });
    }
    let is_taking = |described: &&mut Described| taking.iter().any(|id| id == described.id);
    for described in operations.iter_mut().filter(is_taking) {
        described.errors.push(Kind::AppInvalid);
    }
}
