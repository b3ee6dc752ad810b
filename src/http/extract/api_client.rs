//! Identifies the API client of a call by `X-App-ID` and `X-Service-Key`, if the policy requires
//! them.

use std::sync::Arc;

use poem::http::HeaderMap;
use poem::{FromRequest, Request, RequestBody};
use serde_json::{Value, json};

use crate::config::Config;
use crate::error::{Kind, Result};
use crate::http::docs::openapi::Described;
use crate::http::limits::Meter;
use crate::http::server::carried;
use crate::http::server::reject::Reject;
use crate::identity::Core;
use crate::identity::access::api_client;
use crate::identity::access::counted::{BothCounters, CallCounter};
use crate::identity::access::rate_key::RateKey;
use crate::model::app::ApiClientKind;
use crate::model::{ApiClient, ClientIp, RequestSender};

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

    /// The counter of the call. Without a required API client it counts per client IP. A service
    /// acts for all its users, so its calls count per API client and account. The key of any other
    /// API client proves nothing, so its calls count per client IP too.
    ///
    /// # Errors
    /// `Unavailable` if the database is not available.
    pub(super) async fn counter(
        &self,
        meter: &Meter,
        key: RateKey<'_>,
    ) -> Result<Arc<dyn CallCounter>> {
        let Some(app) = &self.app else { return Ok(meter.counter()) };
        let key = format!("{}|{}", app.id, key.key(&self.core).await?);
        let mac = self.core.master.mac("app caller", key.as_bytes());
        let account = meter.counting_for(ClientIp::stand_in(&mac)).counter();
        Ok(match app.kind {
            ApiClientKind::Service => account,
            ApiClientKind::Client => {
                Arc::new(BothCounters { first: meter.counter(), second: account })
            }
        })
    }
}

/// Whether a service sent the request, where the policy requires API clients.
pub(super) async fn sender_of(core: &Core, headers: &HeaderMap) -> RequestSender {
    if !core.config.apps.required {
        return RequestSender::Client;
    }
    // Headers that identify no API client are refused by the operations that need one.
    match recognise(core, headers).await {
        Ok(app) if app.kind == ApiClientKind::Service => RequestSender::Service,
        _ => RequestSender::Client,
    }
}

impl<'a> FromRequest<'a> for FromApp {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let core = carried::core(request).map_err(Reject)?;
        Ok(Self::of(core, request.headers()).await.map_err(Reject)?)
    }
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

/// Marks the operations in a document that take the headers, if the policy requires them. Call this
/// before the document is completed.
pub fn describe(
    document: &mut Value,
    config: &Config,
    operations: &mut [Described],
    taking: &[&str],
) {
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
    for described in operations.iter_mut().filter(|described| taking.contains(&described.id)) {
        described.errors.push(Kind::AppInvalid);
    }
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        if operation["operationId"].as_str().is_some_and(|id| taking.contains(&id)) {
            let mut both = json!({ "appId": [], "serviceKey": [] });
            if !operation["security"].is_null() {
                both["bearerAuth"] = json!([]);
            }
            operation["security"] = json!([both]);
        }
    }
}
