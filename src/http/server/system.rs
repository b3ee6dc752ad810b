//! Paths at the root that belong to no wire: liveness, readiness, public keys, the related origins of
//! passkeys, metrics, and what only the doctor may ask.

use std::fmt::Write as _;
use std::sync::Arc;

use poem::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use poem::{Body, Endpoint, EndpointExt, Request, Response, endpoint, get};

use crate::http::extract::client_ip::service_allowed;
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;
use crate::http::server::{arrival, metrics};
use crate::identity::Core;
use crate::identity::system::{health, operator_token};

/// All paths of this module. All accept `GET`.
pub const PATHS: [&str; 5] =
    ["/livez", "/readyz", "/.well-known/jwks.json", "/.well-known/webauthn", metrics::PATH];

/// Adds the routes.
#[must_use]
pub fn routes(route: Routes, core: &Arc<Core>) -> Routes {
    let [live, ready, keys, origins, figures] = PATHS;
    route
        .at(live, get(endpoint::make_sync(|_| plain("ok"))))
        .at(ready, get(readiness(core.clone())))
        .at(keys, get(public_keys(core.clone())))
        .at(origins, get(related_origins(core.clone())))
        .at(figures, get(metrics::guarded(core.clone())))
        .at(operator_token::ARRIVAL, get(arrival::told(core.clone())))
}

/// Whether the database answers. Callers that may make service calls also see warnings, one a line.
fn readiness(core: Arc<Core>) -> impl Endpoint {
    endpoint::make(move |request: Request| {
        let core = core.clone();
        async move {
            health::ready(&core).await.map_err(Reject)?;
            let mut text = "ok".to_owned();
            if service_allowed(&core.config.server, &request) {
                for warning in health::warnings(&core).await {
                    let _ = write!(text, "\nwarning: {warning}");
                }
            }
            Ok::<_, poem::Error>(plain(text))
        }
    })
    .map_to_response()
}

/// The public keys that verify tokens (RFC 7517). Cached for a minute only, because a key may be
/// revoked.
fn public_keys(core: Arc<Core>) -> impl Endpoint {
    endpoint::make(move |_: Request| {
        let core = core.clone();
        async move {
            // The keys loaded last are better than none.
            if let Err(error) = crate::identity::system::key_reload::catch_up(&core).await {
                tracing::warn!(
                    error = error.chain(),
                    "failed to reload the keys; publishing the ones loaded last"
                );
            }
            let answer = Response::builder()
                .header(CONTENT_TYPE, "application/json; charset=utf-8")
                .header(CACHE_CONTROL, "public, max-age=60")
                .body(core.tokens.jwks().to_string());
            Ok::<_, poem::Error>(answer)
        }
    })
}

/// The origins of other domains whose pages may use the passkeys (W3C Web Authentication, section
/// 5.11). A browser asks the domain that the passkeys are bound to.
fn related_origins(core: Arc<Core>) -> impl Endpoint {
    endpoint::make_sync(move |_: Request| {
        let origins = serde_json::json!({ "origins": core.config.passkey_origins() });
        Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header(CACHE_CONTROL, "public, max-age=60")
            .body(origins.to_string())
    })
}

fn plain(text: impl Into<Body>) -> Response {
    Response::builder().content_type("text/plain; charset=utf-8").body(text)
}
