//! Calls by other services, authorized by the peer's network or by a service key.

use poem::{FromRequest, Request, RequestBody};

use crate::error::{Detail, Kind, Result};
use crate::http::extract::api_client::{KEY, only};
use crate::http::extract::client_ip;
use crate::http::server::carried;
use crate::http::server::reject::Reject;
use crate::identity::Core;
use crate::identity::access::api_client;
use crate::identity::account::quota::TrustedService;
use crate::model::ApiClient;
use crate::model::app::ApiClientKind;

/// A service that may query the accounts of others.
#[derive(Debug)]
pub struct ServiceCaller(pub TrustedService);

impl<'a> FromRequest<'a> for ServiceCaller {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let core = carried::core(request).map_err(Reject)?;
        Ok(Self(recognise(core, request).await.map_err(Reject)?))
    }
}

async fn recognise(core: &Core, request: &Request) -> Result<TrustedService> {
    // A key that was sent is always checked, so that a wrong one is noticed on a developer's machine.
    if request.headers().contains_key(KEY) {
        let Some(key) = only(request.headers(), KEY) else { return Err(Detail::NoService.into()) };
        return match api_client::check_service_key(core, key).await {
            Ok(app) => Ok(TrustedService::checked(format!("app:{}", app.id))),
            Err(error) if error.kind() == Kind::AppInvalid => Err(Detail::NoService.into()),
            Err(error) => Err(error),
        };
    }
    if client_ip::service_allowed(&core.config.server, request) {
        return Ok(TrustedService::checked("network"));
    }
    Err(Detail::NoService.into())
}

/// The service whose key a request shows beside the user's token, if it shows one. The network of the
/// caller does not stand for a key here.
#[derive(Debug)]
pub struct KeyedService(pub Option<ApiClient>);

impl<'a> FromRequest<'a> for KeyedService {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let core = carried::core(request).map_err(Reject)?;
        if !request.headers().contains_key(KEY) {
            return Ok(Self(None));
        }
        let key = only(request.headers(), KEY).unwrap_or_default();
        match api_client::find_by_key(core, key).await {
            // Browsers send the key of their app with every call. It proves nothing.
            Ok(app) => Ok(Self(Some(app).filter(|app| app.kind == ApiClientKind::Service))),
            Err(error) if error.kind() == Kind::AppInvalid => {
                Err(Reject(Detail::NoService.into()).into())
            }
            Err(error) => Err(Reject(error).into()),
        }
    }
}
