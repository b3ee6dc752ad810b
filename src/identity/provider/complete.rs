//! The provider's answer: from the code or the ID token to a session, or to the next step.

use crate::error::{Error, Kind, ProviderFault, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::Issued;
use crate::identity::login::remember::Remember;
use crate::identity::provider::establish;
use crate::identity::provider::establish::ShownIdentity;
use crate::identity::provider::flow;
use crate::identity::provider::flow::Flow;
use crate::model::event::What;
use crate::model::{Event, Provider, Secret, Source, secret};
use crate::oidc::{CodeExchange, ExchangeFailure, ProviderMetadata, printable};

/// What the provider sent to the page that takes its answer.
#[derive(Debug, Clone, Default)]
pub struct ProviderAnswer {
    pub code: Option<String>,
    pub state: String,
    /// The issuer, for providers that name it (RFC 9207).
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
    /// The name that Apple sends once, as JSON.
    pub user: Option<String>,
}

/// An ID token that an app got from the provider.
#[derive(Debug, Clone)]
pub struct AppToken {
    pub id_token: Secret,
    /// The nonce that the app gave to the provider's library.
    pub nonce: Option<String>,
    /// A name that came beside the token.
    pub given_name: Option<String>,
    pub family_name: Option<String>,
}

/// Completes a login.
///
/// # Errors
/// `ProviderRejected` if the answer is not acceptable, late, of another browser or used before;
/// `ProviderStepRequired` with what the person has to do; `MfaRequired` with a challenge;
/// `AccountSuspended`, `AccountDeleted`, `EmailUnverified`, `Conflict`, `Unavailable`.
pub async fn complete(
    core: &Core,
    flow: &Secret,
    answer: &ProviderAnswer,
    _counted: &Counted<limit::Provider>,
    source: &Source,
) -> Result<Issued> {
    let flow = open_flow(core, flow)?;
    if flow.link.is_some() {
        note_stale(&flow.provider, "the login is one that connects an account");
        return Err(ProviderFault::Stale.into());
    }
    let shown = redeem(core, &flow, answer, source).await?;
    establish::enter(core, &shown, flow.remember(), source).await
}

/// Opens what the browser kept of a login.
pub(super) fn open_flow(core: &Core, flow: &Secret) -> Result<Flow> {
    flow::open(core, flow)
        .inspect_err(|_| note_stale("", "its flow is too old, or was not made by this server"))
}

/// Logs why an answer belongs to no login here. Its owner reads only that the login began elsewhere.
pub fn note_stale(provider: &str, why: &'static str) {
    tracing::warn!(provider = printable(provider), "an answer of a provider is of no use: {why}");
}

/// Logs in with an ID token that an app got from the provider. Each token counts once.
///
/// # Errors
/// As [`complete`].
pub async fn with_id_token(
    core: &Core,
    provider: &str,
    token: &AppToken,
    remember: Remember,
    _counted: &Counted<limit::Provider>,
    source: &Source,
) -> Result<Issued> {
    let provider = &super::find(core, provider).await?;
    let found = core.oidc.account_of(provider, &token.id_token, token.nonce.as_deref()).await;
    let (mut account, mark) = match found {
        Ok(found) => found,
        Err(failure) => return Err(refuse(core, provider, &failure, source).await?),
    };
    account.suggest_name(token.given_name.clone(), token.family_name.clone());
    let log = AuditLog::new(core, source);
    core.store.write(move |db| flow::spend_token(db, mark, log.at())).await?;
    let shown = ShownIdentity::of(provider, account);
    establish::enter(core, &shown, remember, source).await
}

/// Checks an answer against the flow that it belongs to, spends the flow, and asks the provider for
/// the account.
pub(super) async fn redeem(
    core: &Core,
    flow: &Flow,
    answer: &ProviderAnswer,
    source: &Source,
) -> Result<ShownIdentity> {
    let provider = &super::find(core, &flow.provider).await?;
    let is_own = aws_lc_rs::constant_time::verify_slices_are_equal(
        &secret::digest(answer.state.as_bytes()),
        &secret::digest(flow.state.as_bytes()),
    );
    if is_own.is_err() {
        note_stale(&provider.name, "the state is not that of the login");
        return Err(ProviderFault::Stale.into());
    }
    let (spent, log) = (flow.clone(), AuditLog::new(core, source));
    let spent = core.store.write(move |db| spent.spend(db, log.at())).await;
    spent.inspect_err(|error| {
        if error.kind() == Kind::ProviderRejected {
            note_stale(&provider.name, "the login was completed before");
        }
    })?;
    let metadata = core.oidc.metadata(provider).await;
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(failure) => return Err(refuse(core, provider, &failure, source).await?),
    };
    // The issuer is compared before anything of the answer is sent anywhere (RFC 9207).
    if !is_of_provider(&metadata, provider, answer) {
        return Err(
            refuse_because(core, provider, "the answer is of another issuer", source).await?
        );
    }
    if let Some(error) = &answer.error {
        return Err(denied(core, provider, error, answer, source).await?);
    }
    let Some(code) = answer.code.as_deref().filter(|code| !code.is_empty()) else {
        return Err(refuse_because(core, provider, "the answer has no code", source).await?);
    };
    let exchange = CodeExchange {
        code,
        redirect_uri: &flow.redirect_uri,
        nonce: &flow.nonce,
        verifier: &flow.verifier,
    };
    match core.oidc.exchange(provider, exchange).await {
        Ok(mut proved) => {
            proved.account.suggest_user(answer.user.as_deref());
            Ok(ShownIdentity::logged_in(provider, proved))
        }
        Err(failure) => Err(refuse(core, provider, &failure, source).await?),
    }
}

/// Whether an answer is one of the provider, as far as it says (RFC 9207).
pub(super) fn is_of_provider(
    metadata: &ProviderMetadata,
    provider: &Provider,
    answer: &ProviderAnswer,
) -> bool {
    match &answer.iss {
        Some(iss) => metadata.is_issuer(provider, iss),
        None => !metadata.authorization_response_iss_parameter_supported,
    }
}

/// The error for a failed step. The operator reads the reason in the log.
pub(super) fn failed(provider: &Provider, failure: &ExchangeFailure) -> Error {
    tracing::warn!(provider = provider.name, "{failure}");
    if failure.is_temporary() {
        Error::unavailable(format!("{}: {failure}", provider.name))
    } else {
        Error::from(ProviderFault::Answer).caused_by(failure.clone())
    }
}

/// Records a failed login. Returns the error to answer with.
async fn refuse(
    core: &Core,
    provider: &Provider,
    failure: &ExchangeFailure,
    source: &Source,
) -> Result<Error> {
    let error = failed(provider, failure);
    record(core, provider, failure.step.as_str(), source).await?;
    Ok(error)
}

async fn refuse_because(
    core: &Core,
    provider: &Provider,
    reason: &'static str,
    source: &Source,
) -> Result<Error> {
    tracing::warn!(provider = provider.name, "{reason}");
    record(core, provider, reason, source).await?;
    Ok(ProviderFault::Answer.into())
}

/// The person or the provider refused.
async fn denied(
    core: &Core,
    provider: &Provider,
    error: &str,
    answer: &ProviderAnswer,
    source: &Source,
) -> Result<Error> {
    let (error, more) = (printable(error), answer.error_description.as_deref());
    let more = printable(more.unwrap_or_default());
    tracing::warn!(provider = provider.name, error, error_description = more, "login refused");
    record(core, provider, "refused by the provider", source).await?;
    let is_own_choice = error == "access_denied" || error == "user_cancelled_authorize";
    Ok(if is_own_choice { ProviderFault::Denied } else { ProviderFault::Answer }.into())
}

async fn record(core: &Core, provider: &Provider, why: &str, source: &Source) -> Result<()> {
    let log = AuditLog::new(core, source);
    let event = Event::refused(What::Login).because(format!("provider {}: {why}", provider.name));
    core.store.write(move |db| log.record(db, &event)).await
}
