//! Beginning a login at a provider: where to send the browser.

use crate::error::{Error, ProviderFault, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh::Fresh;
use crate::identity::login::remember::Remember;
use crate::identity::provider::complete::failed;
use crate::identity::provider::flow;
use crate::identity::provider::flow::Flow;
use crate::model::{Provider, Secret, secret};
use crate::oidc::AuthorizationRequest;

/// Which page takes the provider's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The page of this server.
    OwnPage,
    /// A page of an app, which the settings of the provider list.
    App(String),
}

/// A login at a provider that has begun.
#[derive(Debug, Clone)]
pub struct BegunFlow {
    /// Where to send the browser.
    pub url: String,
    /// What the browser keeps, and the answer is checked against.
    pub flow: Secret,
}

/// The page of this server that takes the answer of a provider.
#[must_use]
pub fn own_callback(core: &Core, provider: &str) -> String {
    format!("{}/sign-in/provider/{provider}/callback", core.config.public_url())
}

/// Begins a login.
///
/// # Errors
/// `NotFound` for an unknown provider, `ProviderRejected` for a page that is not listed or a
/// provider whose discovery document is not acceptable, `Unavailable` if it cannot be reached.
pub async fn begin(
    core: &Core,
    provider: &str,
    redirect: &Redirect,
    remember: Remember,
    _counted: &Counted<limit::ProviderBegin>,
) -> Result<BegunFlow> {
    start(core, provider, redirect, (remember, None)).await
}

/// Begins to connect an account at a provider with the caller's account.
///
/// # Errors
/// As [`begin`].
pub async fn begin_link(
    core: &Core,
    fresh: &Fresh,
    provider: &str,
    redirect: &Redirect,
) -> Result<BegunFlow> {
    let caller = fresh.caller();
    super::link::may_link(&caller.account)?;
    let link = (caller.account.id.to_string(), caller.session().to_string());
    start(core, provider, redirect, (Remember::Long, Some(link))).await
}

async fn start(
    core: &Core,
    provider: &str,
    redirect: &Redirect,
    (remember, link): (Remember, Option<(String, String)>),
) -> Result<BegunFlow> {
    let provider = &super::find(core, provider).await?;
    let redirect_uri = address(core, provider, redirect)?;
    let metadata = core.oidc.metadata(provider).await;
    let metadata = metadata.map_err(|failure| failed(provider, &failure))?;
    let random = || Ok::<_, Error>(secret::encode(&core.env.random::<32>()?));
    let flow = Flow {
        provider: provider.name.clone(),
        state: random()?,
        nonce: random()?,
        verifier: random()?,
        redirect_uri,
        is_long: remember == Remember::Long,
        link,
        made_at: core.env.now().millis(),
    };
    let request = AuthorizationRequest {
        redirect_uri: &flow.redirect_uri,
        state: &flow.state,
        nonce: &flow.nonce,
        verifier: &flow.verifier,
    };
    Ok(BegunFlow { url: request.url(provider, &metadata), flow: flow::seal(core, &flow)? })
}

fn address(core: &Core, provider: &Provider, redirect: &Redirect) -> Result<String> {
    match redirect {
        Redirect::OwnPage if core.config.serves_pages() => Ok(own_callback(core, &provider.name)),
        Redirect::App(url) if provider.redirect_uris.contains(url) => Ok(url.clone()),
        _ => Err(ProviderFault::Redirect.into()),
    }
}
