//! Testing a provider: its discovery document and keys, and a login that only reads. Nothing is
//! stored, and no session is issued: what the login would do is only said.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::begin::own_callback;
use super::complete::{ProviderAnswer, is_of_provider};
use super::establish;
use super::rule::LinkDecision;
use crate::error::{Error, Result};
use crate::identity::Core;
use crate::model::{Account, HttpUrl, Provider, percent, secret};
use crate::oidc::{
    AuthorizationRequest, CodeExchange, ExchangeFailure, ExchangeStep, FailureCause, ProvedAccount,
    ProviderAccount, printable,
};

/// A step of a test, and what it found.
#[derive(Debug, Clone)]
pub struct ProbeStep {
    pub name: &'static str,
    pub result: std::result::Result<String, ExchangeFailure>,
}

/// A login at a provider that only reads.
pub struct TrialLogin {
    provider: Arc<Provider>,
    /// Where to send the browser.
    pub url: String,
    /// Where the provider answers to.
    pub redirect_uri: String,
    state: String,
    nonce: String,
    verifier: String,
}

/// What a login would do.
#[derive(Debug, Clone)]
pub struct TrialResult {
    pub account: ProviderAccount,
    /// The claims that it was read from.
    pub claims: Map<String, Value>,
    pub decision: LinkDecision,
    /// The account that it is connected to, or that has the address.
    pub holder: Option<Account>,
}

/// Why a trial login failed.
#[derive(Debug)]
pub enum TrialFailure {
    /// The provider's answer cannot be used.
    Answer(String),
    /// The provider could not be asked, or its answer was refused.
    Exchange(ExchangeFailure),
    /// The database could not be read.
    Core(Error),
}

impl ProviderAnswer {
    /// Reads an answer from the address that a browser was sent to.
    #[must_use]
    pub fn of_address(address: &str) -> Self {
        let query = address.trim().split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(found, _)| *found == name)?;
            percent::decode(&value.replace('+', " "))
        };
        Self {
            code: value("code"),
            state: value("state").unwrap_or_default(),
            iss: value("iss"),
            error: value("error"),
            error_description: value("error_description"),
            user: None,
        }
    }
}

/// The address to register at a provider: the page of this server, or else the first page of an app
/// that takes its answers.
#[must_use]
pub fn redirect_address(core: &Core, provider: &Provider) -> Option<String> {
    if core.config.serves_pages() {
        return Some(own_callback(core, &provider.name));
    }
    let is_page = |url: &&String| HttpUrl::parse(url).is_some();
    provider.redirect_uris.iter().find(is_page).cloned()
}

/// Reads the discovery document and the keys of a provider again.
///
/// # Errors
/// `NotFound`, `Unavailable`.
pub async fn probe(core: &Core, name: &str) -> Result<Vec<ProbeStep>> {
    let provider = super::find(core, name).await?;
    let mut steps = Vec::with_capacity(2);
    if provider.endpoints.is_some() {
        let says = "the preset knows the endpoints; there are no ID tokens".to_owned();
        steps.push(ProbeStep { name: "discovery", result: Ok(says) });
        return Ok(steps);
    }
    core.oidc.forget(&provider);
    let metadata = match core.oidc.metadata(&provider).await {
        Ok(metadata) => metadata,
        Err(failure) => {
            steps.push(ProbeStep { name: "discovery", result: Err(failure) });
            return Ok(steps);
        }
    };
    steps.push(ProbeStep { name: "discovery", result: Ok(provider.issuer.clone()) });
    let count = core.oidc.count_keys(&provider, &metadata).await.and_then(|count| match count {
        0 => Err(ExchangeFailure {
            step: ExchangeStep::Keys,
            reason: "none of its keys can check ID tokens".to_owned(),
            cause: FailureCause::Answer,
            error: None,
        }),
        1 => Ok("1 key that can check ID tokens".to_owned()),
        _ => Ok(format!("{count} keys that can check ID tokens")),
    });
    steps.push(ProbeStep { name: "keys", result: count });
    Ok(steps)
}

/// Begins a login that only reads. The provider answers to `redirect_uri`.
///
/// # Errors
/// `NotFound` without such a provider, `Unavailable` if its discovery document cannot be read.
pub async fn begin_trial(core: &Core, name: &str, redirect_uri: String) -> Result<TrialLogin> {
    let provider = super::find(core, name).await?;
    let metadata = core.oidc.metadata(&provider).await;
    let metadata = metadata.map_err(|failure| super::complete::failed(&provider, &failure))?;
    let random = || Ok::<_, Error>(secret::encode(&core.env.random::<32>()?));
    let (state, nonce, verifier) = (random()?, random()?, random()?);
    let request = AuthorizationRequest {
        redirect_uri: &redirect_uri,
        state: &state,
        nonce: &nonce,
        verifier: &verifier,
    };
    let url = request.url(&provider, &metadata);
    Ok(TrialLogin { provider, url, redirect_uri, state, nonce, verifier })
}

/// Checks the provider's answer as a login does, and says what a login would do.
///
/// # Errors
/// The step that failed.
pub async fn finish_trial(
    core: &Core,
    trial: &TrialLogin,
    answer: &ProviderAnswer,
) -> std::result::Result<TrialResult, TrialFailure> {
    let provider = &*trial.provider;
    if let Some(error) = &answer.error {
        let more = answer.error_description.as_deref().map(|more| format!(": {more}"));
        return Err(TrialFailure::Answer(printable(&format!(
            "the provider answered {error}{}",
            more.unwrap_or_default()
        ))));
    }
    let of_answer = |why: &str| TrialFailure::Answer(why.to_owned());
    if answer.state != trial.state {
        return Err(of_answer("it is not the answer to this test (another state)"));
    }
    let metadata = core.oidc.metadata(provider).await.map_err(TrialFailure::Exchange)?;
    if !is_of_provider(&metadata, provider, answer) {
        return Err(of_answer("the answer is of another issuer (iss)"));
    }
    let code = answer.code.as_deref().filter(|code| !code.is_empty());
    let exchange = CodeExchange {
        code: code.ok_or_else(|| of_answer("the answer has no code"))?,
        redirect_uri: &trial.redirect_uri,
        nonce: &trial.nonce,
        verifier: &trial.verifier,
    };
    let proved = core.oidc.exchange(provider, exchange).await;
    let ProvedAccount { account, claims, .. } = proved.map_err(TrialFailure::Exchange)?;
    let preview = establish::preview(core, provider, account.clone()).await;
    let (decision, holder) = preview.map_err(TrialFailure::Core)?;
    Ok(TrialResult { account, claims, decision, holder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_from_the_address_bar() {
        let answer = ProviderAnswer::of_address(
            " https://auth.example.com/sign-in/provider/acme/callback?state=s%2D1&code=a+b%26c&iss=https%3A%2F%2Facme#_=_ \n",
        );
        assert_eq!((answer.code.as_deref(), answer.state.as_str()), (Some("a b&c"), "s-1"));
        assert_eq!(answer.iss.as_deref(), Some("https://acme"));
        let refused = ProviderAnswer::of_address("/x?error=access_denied&error_description=No");
        assert_eq!(refused.error.as_deref(), Some("access_denied"));
        assert_eq!(refused.error_description.as_deref(), Some("No"));
        assert_eq!(ProviderAnswer::of_address("nothing").code, None);
    }
}
